/**
 * What `npm start` does once the dependencies are there: build, get the model, package, and open the extension in the
 * user's VS Code or in a browser workbench. With `--check`: the same headlessly, and exit 0 only if it completes and chats.
 */
import { cpSync, mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline/promises';
import { checkWorkbench } from './check.ts';
import { packageVsix } from './package.ts';
import { findProgram, main, ROOT, run, step } from './steps.ts';
import { installWorkbench } from './workbench/install.ts';
import { startServer } from './workbench/server.ts';

const MODEL = 'qwen2.5-coder-1.5b';

main(async () => {
  const isCheck = process.argv.includes('--check');
  await step('Build', () => run(process.execPath, ['esbuild.js']));
  console.log(`Model ${MODEL} (1.1 GB to download, once)`);
  await run(process.execPath, [join(ROOT, 'dist/cli.js'), 'model', 'add', MODEL], { show: true });
  const vsix = await step('Package', () => packageVsix());
  if (isCheck) return checkWorkbench(vsix, join(ROOT, 'test-results'));
  const code = await findProgram('code');
  if (code && (await confirm(`Install ${vsix} into your VS Code?`))) {
    await step('Install', () => run(code, ['--install-extension', vsix, '--force']));
    console.log(
      'Open a folder in VS Code: type in a file for ghost text, or click the Moebius icon to chat.',
    );
    return 0;
  }
  return openInBrowser(vsix);
});

async function confirm(question: string): Promise<boolean> {
  if (!process.stdin.isTTY) return false;
  const terminal = createInterface({ input: process.stdin, output: process.stdout });
  const answer = await terminal.question(`${question} [Y/n] `);
  terminal.close();
  return !/^n/i.test(answer.trim());
}

async function openInBrowser(vsix: string): Promise<number> {
  const workbench = await step('Browser workbench', () => installWorkbench());
  const folder = join(ROOT, '.cache/workspace');
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  cpSync(join(ROOT, 'test/fixtures/sample'), folder, { recursive: true });
  const server = await startServer(workbench, { folder: join(ROOT, '.cache/profile'), vsix: [vsix] });
  console.log(`
Open ${server.url}/?folder=${encodeURIComponent(folder)}

  Ghost text  open src/fibonacci.ts and start a function; Tab takes the suggestion
  Chat        the Moebius icon in the activity bar
  Commands    F1, then "Moebius:"

Ctrl+C ends it.`);
  await new Promise<void>(resolve => {
    process.once('SIGINT', resolve);
    process.once('SIGTERM', resolve);
    server.process.once('exit', () => resolve());
  });
  await server.stop();
  return 0;
}
