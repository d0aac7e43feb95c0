import assert from 'node:assert/strict';
import type { FrameLocator } from 'playwright-core';
import { goTo, openFile, runCommand, untilReady, webview } from '../../scripts/workbench/page.ts';
import {
  ask,
  MODEL_MS,
  openChat,
  type Session,
  startSession,
  until,
  untilAnswered,
} from '../support/workbench.ts';

describe('chat', () => {
  let session: Session;
  let chat: FrameLocator;
  before(async () => {
    session = await startSession({ name: 'chat' });
    chat = await openChat(session.page);
  });
  after(() => session?.stop());

  it('streams an answer', async () => {
    await ask(session.page, chat, 'Write a Python function that doubles a number. Code only.');
    const text = chat.getByTestId('answer-text').first();
    await text.filter({ hasText: /\S/ }).waitFor({ timeout: MODEL_MS });
    const finish = await untilAnswered(chat, 0);
    assert.ok(['stop', 'length'].includes(finish), finish);
    assert.match((await text.textContent()) ?? '', /def /);
    await session.screenshots('chat');
  });

  it('copies a code block', async () => {
    await chat.getByTestId('code-block').first().hover();
    await chat.getByTestId('code-copy').first().click();
    const copied = () => session.page.evaluate(() => navigator.clipboard.readText());
    await until(async () => (await copied()).includes('def '), 'the clipboard');
  });

  it('inserts a code block at the cursor', async () => {
    const { page } = session;
    await openFile(page, 'statistics_report.py');
    await goTo(page, 5);
    await chat.getByTestId('code-block').first().hover();
    await chat.getByTestId('code-insert').first().click();
    await page.locator('.tab.active.dirty').waitFor();
    // Inserting moves the focus to the editor; a picker opened before that would be closed by it.
    await page.locator('.editor-group-container.active .monaco-editor.focused').waitFor();
    await page.keyboard.press('Control+S');
    await session.untilFile(
      'python/statistics_report.py',
      text => (text.match(/^\s*def /gm) ?? []).length > 3,
    );
  });

  it('stops, and regenerates', async () => {
    await ask(session.page, chat, 'Count from 1 to 200 in words, one a line.');
    const answer = chat.getByTestId('answer-text').nth(1);
    await answer.filter({ hasText: /\S/ }).waitFor({ timeout: MODEL_MS });
    const length = async () => ((await answer.textContent()) ?? '').length;
    const early = await length();
    await until(async () => (await length()) > early, 'the text to grow while it is written', MODEL_MS);
    await chat.getByTestId('stop').click();
    assert.equal(await untilAnswered(chat, 1), 'cancelled');
    assert.match((await chat.getByTestId('answer-state').last().textContent()) ?? '', /Stopped/);

    await chat.getByTestId('regenerate').last().click();
    await chat.getByTestId('stop').waitFor();
    await answer.filter({ hasText: /\S/ }).waitFor({ timeout: MODEL_MS });
    await chat.getByTestId('stop').click();
  });

  it('says what was sent', async () => {
    await chat.getByTestId('show-sent').last().click();
    await chat.getByTestId('sent-part').first().waitFor();
    assert.match((await chat.getByTestId('sent').last().textContent()) ?? '', /\d+/);
  });

  it('attaches the selection', async () => {
    const { page } = session;
    await openFile(page, 'cart.ts');
    await goTo(page, 7);
    for (let line = 0; line < 8; line++) await page.keyboard.press('Shift+ArrowDown');
    await runCommand(page, 'Moebius: Attach Selection to Chat');
    const chip = webview(page).getByTestId('chip').filter({ hasText: 'cart.ts' });
    await chip.first().waitFor();
  });

  it('history survives a reload of the window', async () => {
    const { page } = session;
    const before = (await chat.getByTestId('user-message').first().textContent()) ?? '';
    await page.reload();
    await untilReady(page);
    await runCommand(page, 'Moebius: Open Chat');
    chat = webview(page);
    const message = chat.getByTestId('user-message').first();
    await message.waitFor({ timeout: 60_000 });
    assert.equal(await message.textContent(), before);
  });

  it('left no error in the console', () => {
    assert.deepEqual(session.errors, []);
  });
});
