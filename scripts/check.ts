/** The packaged extension in a real workbench, headless: ghost text in a file, a streamed answer in the chat. */
import { cpSync, mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT, step } from './steps.ts';
import { installBrowser, launchBrowser } from './workbench/browser.ts';
import { installWorkbench } from './workbench/install.ts';
import { ghostText, openFile, openWorkbench, runCommand, statusItem, webview } from './workbench/page.ts';
import { startServer } from './workbench/server.ts';

/** Generous: a slow machine reads a prompt for a while. */
const MODEL_MS = 180_000;

/** Returns the exit status; screenshots go to `results`. */
export async function checkWorkbench(vsix: string, results: string): Promise<number> {
  mkdirSync(results, { recursive: true });
  const workbench = await step('Browser workbench', () => installWorkbench());
  const chromium = await step('Browser', () => installBrowser());
  const folder = join(ROOT, '.cache/check-workspace');
  rmSync(folder, { recursive: true, force: true });
  cpSync(join(ROOT, 'test/fixtures/sample'), folder, { recursive: true });
  const server = await startServer(workbench, {
    folder: join(ROOT, '.cache/check-profile'),
    vsix: [vsix],
  });
  const browser = await launchBrowser(chromium);
  let status = 0;
  try {
    const page = await openWorkbench(browser, server.url, folder);
    const shot = (name: string) => page.screenshot({ path: join(results, `${name}.png`) });
    const attempt = async (name: string, work: () => Promise<string>) => {
      await step(name, work).catch(async error => {
        status = 1;
        console.error(error instanceof Error ? error.message : error);
      });
      await shot(name.toLowerCase().replaceAll(' ', '-'));
    };
    await attempt('Extension active', async () => {
      await statusItem(page, 'Moebius').waitFor({ timeout: 120_000 });
      return '';
    });
    await attempt('Ghost text', async () => {
      await openFile(page, 'fibonacci.ts');
      await page.keyboard.press('Control+End');
      await page.keyboard.type('\nexport function add(a: number, b: number): number {\n  return ', {
        delay: 40,
      });
      await ghostText(page).first().waitFor({ timeout: MODEL_MS });
      return JSON.stringify((await ghostText(page).allTextContents()).join(''));
    });
    await attempt('Chat answer', async () => {
      await page.keyboard.press('Escape');
      await runCommand(page, 'Moebius: New Chat');
      const input = webview(page).getByTestId('input');
      await input.click({ timeout: 60_000 });
      await page.keyboard.type('Write a one-line Python function that doubles a number.');
      await page.keyboard.press('Enter');
      const answer = webview(page).getByTestId('answer-text').last();
      await answer.filter({ hasText: /\w{3,}/ }).waitFor({ timeout: MODEL_MS });
      await webview(page).getByTestId('stop').waitFor({ state: 'hidden', timeout: MODEL_MS });
      return JSON.stringify(((await answer.textContent()) ?? '').slice(0, 80));
    });
  } finally {
    await browser.close();
    await server.stop();
  }
  return status;
}
