/**
 * test/electron/suite.ts inside the workbench's extension host, with the packaged extension installed: what another
 * extension can call. VS Code's own way of running tests: the page's address names the suite, and two functions of the
 * page are told how it went.
 */
import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { buildSync } from 'esbuild';
import { ROOT } from '../../scripts/steps.ts';
import { installBrowser, launchBrowser } from '../../scripts/workbench/browser.ts';
import { installWorkbench } from '../../scripts/workbench/install.ts';
import { openWorkbench } from '../../scripts/workbench/page.ts';
import { startServer } from '../../scripts/workbench/server.ts';
import { MODEL, MODEL_MS, packageOnce } from '../support/workbench.ts';

describe('another extension', () => {
  it('calls the exported API and sees the model in vscode.lm', async () => {
    const folder = join(ROOT, '.cache/e2e/extension-host');
    const workbench = await installWorkbench();
    const server = await startServer(workbench, {
      folder: join(folder, 'profile'),
      vsix: [await packageOnce()],
      settings: { 'moebius.model.id': MODEL },
      extensionTests: true,
    });
    const [suite, harness] = layHarness(folder);
    const browser = await launchBrowser(await installBrowser());
    const log: string[] = [];
    try {
      const remote = (path: string) => `vscode-remote://127.0.0.1:${server.port}${path}`;
      const exitCode = await new Promise<number>((resolve, reject) => {
        setTimeout(() => reject(new Error('The suite did not end.')), MODEL_MS).unref();
        openWorkbench(browser, server.url, folder, {
          payload: [
            ['extensionDevelopmentPath', remote(harness)],
            ['extensionTestsPath', remote(suite)],
          ],
          async prepare(page) {
            await page.exposeFunction('codeAutomationExit', resolve);
            await page.exposeFunction('codeAutomationLog', (_kind: string, args: unknown[]) => {
              log.push(args.map(String).join(' '));
            });
          },
        }).catch(reject);
      });
      assert.equal(
        exitCode,
        0,
        log
          .filter(line => /assert|error/i.test(line))
          .slice(-20)
          .join('\n'),
      );
    } finally {
      await browser.close();
      await server.stop();
    }
  });
});

/** The bundled suite, and an extension that is nothing but a manifest: tests need one "under development". */
function layHarness(folder: string): [suite: string, harness: string] {
  const suite = join(folder, 'suite.js');
  buildSync({
    entryPoints: [join(ROOT, 'test/electron/suite.ts')],
    outfile: suite,
    bundle: true,
    platform: 'node',
    external: ['vscode'],
    logLevel: 'warning',
  });
  const harness = join(folder, 'harness');
  mkdirSync(harness, { recursive: true });
  const manifest = { name: 'harness', publisher: 'test', version: '0.0.1', engines: { vscode: '^1.104.0' } };
  writeFileSync(join(harness, 'package.json'), JSON.stringify(manifest));
  return [suite, harness];
}
