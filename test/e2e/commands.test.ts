import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { goTo, openFile, quickRows, runCommand, statusItem, webview } from '../../scripts/workbench/page.ts';
import { MODEL_MS, type Session, startSession, until, untilAnswered } from '../support/workbench.ts';

describe('commands', () => {
  let session: Session;
  before(async () => {
    session = await startSession({ name: 'commands' });
  });
  after(() => session?.stop());

  it('refactor shows a diff; applied, one undo takes it back', async () => {
    const { page } = session;
    const original = session.read('python/statistics_report.py');
    await openFile(page, 'statistics_report.py');
    await goTo(page, 7, 5);
    await runCommand(page, 'Moebius: Refactor by Instruction');
    await page.locator('.quick-input-widget', { hasText: 'What should change?' }).waitFor();
    await page.keyboard.type('raise a ValueError if values is empty');
    await page.keyboard.press('Enter');
    await page.locator('.tab', { hasText: 'Moebius: Refactor' }).waitFor({ timeout: MODEL_MS });
    await page.locator('.monaco-diff-editor .line-insert').first().waitFor();
    await session.screenshots('refactor');
    assert.equal(
      session.read('python/statistics_report.py'),
      original,
      'nothing is written before it is applied',
    );

    await page.locator('.editor-actions a[aria-label*="Apply Proposed"]').first().click();
    await page.locator('.tab', { hasText: 'Moebius: Refactor' }).waitFor({ state: 'detached' });
    await page.keyboard.press('Control+S');
    await session.untilFile('python/statistics_report.py', text => text !== original);
    await page.keyboard.press('Control+Z');
    await page.keyboard.press('Control+S');
    await session.untilFile('python/statistics_report.py', text => text === original);
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

  it('writes a commit message from the staged diff', async () => {
    const { page, folder } = session;
    writeFileSync(join(folder, 'python/product.py'), 'def product(a, b):\n    return a * b\n');
    execFileSync('git', ['add', 'python/product.py'], { cwd: folder });
    await runCommand(page, 'Source Control: Focus on Changes View');
    const input = page.locator('.scm-editor .view-lines').first();
    await input.waitFor();
    await page.waitForTimeout(3000);
    await runCommand(page, 'Moebius: Write Commit Message');
    await until(
      async () => ((await input.textContent()) ?? '').trim().length > 5,
      'a commit message',
      MODEL_MS,
    );
  });

  it('the status bar item opens a menu, and the picker shows the models', async () => {
    const { page } = session;
    await statusItem(page, 'Moebius').click();
    await quickRows(page).first().waitFor();
    assert.ok((await quickRows(page).count()) > 3);
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
