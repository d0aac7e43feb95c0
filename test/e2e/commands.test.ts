import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import {
  ghostText,
  goTo,
  notifications,
  openFile,
  quickRows,
  runCommand,
  statusItem,
  webview,
} from '../../scripts/workbench/page.ts';
import {
  descendants,
  MODEL_MS,
  openChat,
  type Session,
  startSession,
  until,
  untilAnswered,
} from '../support/workbench.ts';

const REPORT = 'python/statistics_report.py';

describe('commands', () => {
  let session: Session;
  before(async () => {
    session = await startSession({ name: 'commands' });
  });
  after(() => session?.stop());

  it('Ctrl+I rewrites the selection in place: keep by key, never saved, one undo takes it back', async () => {
    const { page } = session;
    const original = session.read(REPORT);
    await openFile(page, 'statistics_report.py');
    await goTo(page, 6);
    await page.keyboard.press('Shift+ArrowDown');
    await page.keyboard.press('Shift+ArrowDown');
    await page.keyboard.press('Control+I');
    await page.locator('.quick-input-widget', { hasText: 'What should change?' }).waitFor();
    await page.keyboard.type('raise a ValueError if values is empty');
    await page.keyboard.press('Enter');
    await untilWritten(page, 'Refactor');
    await lens(page, 'Keep').first().waitFor();
    await page.locator('.tab.active.dirty').waitFor();
    await session.screenshots('refactor');
    assert.equal(session.read(REPORT), original, 'nothing is saved');
    await page.keyboard.press('Control+Alt+K');
    await lens(page, /./).first().waitFor({ state: 'detached' });
    await page.keyboard.press('Control+S');
    await session.untilFile(REPORT, text => text !== original);
    await page.keyboard.press('Control+Z');
    await page.keyboard.press('Control+S');
    await session.untilFile(REPORT, text => text === original);
  });

  it('Escape stops the writing and puts everything back', async () => {
    const { page } = session;
    const original = session.read(REPORT);
    await openFile(page, 'statistics_report.py');
    await page.keyboard.press('Control+A');
    await runCommand(page, 'Moebius: Document');
    await page.locator('.editor-actions a[aria-label*="Stop Writing"]').first().waitFor();
    await page.keyboard.press('Escape');
    await page
      .locator('.editor-actions a[aria-label*="Stop Writing"]')
      .first()
      .waitFor({ state: 'detached', timeout: MODEL_MS });
    // Nothing of it is left to be saved.
    await page.locator('.tab.active.dirty').waitFor({ state: 'detached' });
    assert.equal(session.read(REPORT), original);
  });

  it('explain asks in the chat with the code attached', async () => {
    const { page } = session;
    await openFile(page, 'cart.ts');
    await goTo(page, 9, 3);
    await runCommand(page, 'Moebius: Explain');
    const chat = webview(page);
    await chat.getByTestId('user-message').filter({ hasText: 'cart.ts' }).waitFor({ timeout: 60_000 });
    await chat.getByTestId('answer-text').first().filter({ hasText: /\S/ }).waitFor({ timeout: MODEL_MS });
    await chat
      .getByTestId('stop')
      .click({ timeout: 5000 })
      .catch(() => undefined);
    await untilAnswered(chat, 0);
  });

  it('fix is told the problem, and undone the file is what it was', async () => {
    const { page, folder } = session;
    const original = "export function greet(name: string): string {\n  return 'Hello ' + nme;\n}\n";
    writeFileSync(join(folder, 'src/greeting.ts'), original);
    await openFile(page, 'greeting.ts');
    await page.locator('.squiggly-error').first().waitFor({ timeout: 60_000 });
    await goTo(page, 2, 3);
    await runCommand(page, 'Moebius: Fix');
    await untilWritten(page, 'Fix');
    await lens(page, 'Undo').first().waitFor();
    await session.screenshots('fix');
    await runCommand(page, 'Moebius: Undo All Changes of This File');
    await lens(page, /./).first().waitFor({ state: 'detached' });
    await page.keyboard.press('Control+S');
    await page.locator('.tab.active.dirty').waitFor({ state: 'detached' });
    await session.untilFile('src/greeting.ts', text => text === original);
  });

  it('document writes a comment for the code at the cursor', async () => {
    const { page } = session;
    const editor = await openFile(page, 'fibonacci.ts');
    await goTo(page, 2, 3);
    await runCommand(page, 'Moebius: Document');
    await untilWritten(page, 'Document');
    await editor
      .locator('.view-lines')
      .filter({ hasText: /\/\*\*|\/\// })
      .waitFor();
    await runCommand(page, 'Moebius: Undo All Changes of This File');
    await runCommand(page, 'File: Revert File');
  });

  it('generate tests asks for a test file of the code', async () => {
    const { page } = session;
    const chat = await openChat(page);
    await openFile(page, 'cart.ts');
    await goTo(page, 17, 3);
    await runCommand(page, 'Moebius: Generate Tests');
    await chat
      .getByTestId('user-message')
      .filter({ hasText: /Write unit tests for this code from src\/cart\.ts/ })
      .waitFor({ timeout: 60_000 });
    await chat
      .getByTestId('answer-text')
      .first()
      .filter({ hasText: /discounted/ })
      .waitFor({ timeout: MODEL_MS });
    await untilAnswered(chat, 0);
  });

  it('explains what is selected in the terminal', async () => {
    const { page } = session;
    const chat = await openChat(page);
    await runCommand(page, 'Terminal: Create New Terminal');
    const terminal = page.locator('.terminal-wrapper.active');
    await terminal.locator('.xterm.focus').waitFor();
    await page.keyboard.type('cat /no/such/file; touch ran\n', { delay: 20 });
    await until(() => existsSync(join(session.folder, 'ran')), 'the command to run');
    await page.waitForTimeout(500); // what it wrote is drawn
    await runCommand(page, 'Terminal: Select All');
    await runCommand(page, 'Moebius: Explain Terminal Selection');
    await chat
      .getByTestId('user-message')
      .filter({ hasText: 'Explain this terminal output' })
      .waitFor({ timeout: 60_000 });
    await chat.getByTestId('answer-text').first().filter({ hasText: /\S/ }).waitFor({ timeout: MODEL_MS });
    await untilAnswered(chat, 0);
    await runCommand(page, 'Terminal: Kill All Terminals');
  });

  it('restarts the daemon', async () => {
    const { page, serverPid } = session;
    const before = descendants(serverPid, 'dist/daemon.js');
    assert.equal(before.length, 1);
    await runCommand(page, 'Moebius: Restart Daemon');
    await until(
      () => {
        const now = descendants(serverPid, 'dist/daemon.js');
        return now.length === 1 && now[0] !== before[0];
      },
      'another daemon',
      MODEL_MS,
    );
  });

  it('turns completions off and on', async () => {
    const { page } = session;
    await openFile(page, 'fibonacci.ts');
    const shown = (text: string) => page.locator('.part.statusbar', { hasText: `completions are ${text}` });
    await runCommand(page, 'Moebius: Toggle Completions');
    await shown('off').waitFor();
    await goTo(page, 3, 99);
    await page.keyboard.type(' return ', { delay: 30 });
    await page.waitForTimeout(4000);
    assert.equal(await ghostText(page).count(), 0);
    await runCommand(page, 'Moebius: Toggle Completions');
    await shown('on').waitFor();
    await runCommand(page, 'File: Revert File');
  });

  it('writes a commit message from the staged diff', async () => {
    const { page, folder } = session;
    writeFileSync(join(folder, 'python/product.py'), 'def product(a, b):\n    return a * b\n');
    execFileSync('git', ['add', 'python/product.py'], { cwd: folder });
    await runCommand(page, 'Source Control: Focus on Changes View');
    const input = page.locator('.scm-editor .view-lines').first();
    await input.waitFor();
    await page.waitForTimeout(3000);
    await runCommand(page, 'Moebius: Write Commit Message');
    const text = async () => ((await input.textContent()) ?? '').trim();
    await until(async () => /product/i.test(await text()), 'a commit message about the change', MODEL_MS);
    await session.screenshots('commit-message');
  });

  it('the status bar item opens a menu, and the picker shows the models', async () => {
    const { page } = session;
    await statusItem(page, 'Moebius').click();
    await quickRows(page).nth(3).waitFor();
    await page.keyboard.press('Escape');
    const openPicker = async () => {
      await runCommand(page, 'Moebius: Choose Model');
      await quickRows(page).filter({ hasText: '0.5B' }).first().waitFor();
    };
    await openPicker();
    await session.screenshots('model-picker', openPicker);
  });

  it("VS Code's own models list has the local one", async () => {
    const { page } = session;
    await runCommand(page, 'Chat: Manage Language Models');
    await page
      .locator('.part.editor', { hasText: /Qwen2\.5/ })
      .first()
      .waitFor({ timeout: 60_000 });
  });

  it('left no error in the console', () => {
    assert.deepEqual(session.errors, []);
  });
});

/** The lines are rewritten while the model writes; when it is done it says so. */
async function untilWritten(page: Page, title: string): Promise<void> {
  const said = notifications(page)
    .filter({ hasText: `Moebius: ${title}` })
    .filter({ hasText: 'is written' });
  await said.first().waitFor({ timeout: MODEL_MS });
}

const lens = (page: Page, text: string | RegExp) =>
  page.locator('.editor-group-container.active .codelens-decoration a').filter({ hasText: text });
