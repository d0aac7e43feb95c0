/**
 * `npm run test:electron`: loads the extension into a desktop VS Code and runs suite.ts inside its extension host.
 * Downloads VS Code once; VSCODE_PATH names an installed one instead. The other tests need no download.
 */
import { join } from 'node:path';
import { runTests } from '@vscode/test-electron';
import { main, ROOT, run, ScriptError } from '../../scripts/steps.ts';

main(async () => {
  await run(process.execPath, ['esbuild.js']);
  const suite = join(ROOT, '.cache/electron-suite.js');
  const bundled = ['test/electron/suite.ts', `--outfile=${suite}`, '--bundle', '--platform=node'];
  await run(join(ROOT, 'node_modules/.bin/esbuild'), [
    ...bundled,
    '--external:vscode',
    '--log-level=warning',
  ]);
  const executable = process.env.VSCODE_PATH;
  try {
    return await runTests({
      ...(executable ? { vscodeExecutablePath: executable } : { version: 'stable' }),
      extensionDevelopmentPath: ROOT,
      extensionTestsPath: suite,
      launchArgs: [join(ROOT, 'test/fixtures/sample'), '--disable-extensions', '--disable-workspace-trust'],
    });
  } catch (error) {
    throw new ScriptError(
      `VS Code could not be downloaded or did not pass: ${error instanceof Error ? error.message : error}\n` +
        'Set VSCODE_PATH to an installed VS Code, or use "npm run test:e2e".',
    );
  }
});
