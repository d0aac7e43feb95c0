/** What the user has written is not lost, what was answered goes only when they say so, and what waits for them is said. */
import assert from 'node:assert/strict';
import type { FrameLocator } from 'playwright-core';
import { notifications, quickRows, runCommand, webview } from '../../scripts/workbench/page.ts';
import { scriptedAgentDaemon } from '../support/daemon-bundle.ts';
import { ask, openChat, type Session, startSession, until, untilAnswered } from '../support/workbench.ts';

const FILES = {
  'package.json': '{ "name": "cart", "private": true, "scripts": { "test": "node --version" } }\n',
  'src/cart.js':
    'export function total(items) {\n  let sum = 0;\n  for (const item of items) sum += item.price;\n  return sum;\n}\n',
};

describe('messages', () => {
  let session: Session;
  let chat: FrameLocator;
  const input = () => chat.getByTestId('input');
  const message = (text: string) => chat.getByTestId('user-message').filter({ hasText: text });
  const approval = (text: string) => chat.getByTestId('approval').filter({ hasText: text });
  const toast = (text: string | RegExp) => chat.getByTestId('toast').filter({ hasText: text });
  /** It goes by itself after a while. */
  const dismiss = async (text: string) => {
    const button = toast(text).getByRole('button');
    await button.click({ timeout: 2000 }).catch(() => undefined);
    await toast(text).waitFor({ state: 'detached' });
  };
  const untilWritten = (text: string) =>
    until(async () => (await input().inputValue()) === text, `the input to hold ${JSON.stringify(text)}`);
  const beginEdit = async (text: string, edited: string) => {
    await message(text).hover();
    await message(text).getByTestId('edit').click();
    await chat.getByTestId('edit-input').fill(edited);
  };
  /** VS Code throws the page away meanwhile. */
  const hideAndShow = async () => {
    const { page } = session;
    await page.keyboard.press('Control+Shift+E');
    await page.locator('.explorer-viewlet').waitFor();
    await runCommand(page, 'Moebius: Open Chat');
    chat = webview(page);
    await input().waitFor();
  };
  const untilHeld = async (testId: string, text: string) => {
    await chat.getByTestId(testId).waitFor();
    assert.equal(await chat.getByTestId(testId).inputValue(), text);
  };
  const edit = async (text: string, edited: string) => {
    await beginEdit(text, edited);
    await chat.getByTestId('resend').click();
  };

  before(async () => {
    session = await startSession({ name: 'messages', daemon: await scriptedAgentDaemon(), files: FILES });
    chat = await openChat(session.page);
  });
  after(() => session?.stop());

  it('puts an idea before what is being written', async () => {
    await input().fill('In two lines.');
    await chat.getByTestId('idea').first().click();
    await untilWritten('Explain what this code does.\n\nIn two lines.');
    await session.screenshots('messages-idea');
    await input().fill('');
  });

  it('offers to try the last answer again, and no earlier one', async () => {
    const { page } = session;
    await ask(page, chat, 'Please give up.');
    assert.equal(await untilAnswered(chat, 0), 'error');
    await chat.getByTestId('error-retry').waitFor();
    await ask(page, chat, 'Please say yes.');
    assert.equal(await untilAnswered(chat, 1), 'stop');
    await chat.getByTestId('error').waitFor();
    assert.equal(await chat.getByTestId('error-retry').count(), 0);
    await chat.getByTestId('error-show-log').waitFor();
    await session.screenshots('messages-error');
  });

  it('gives a message back while the chat is hidden, before what is being written', async () => {
    const { page } = session;
    await input().fill('Half a thought.');
    await page.keyboard.press('Control+Shift+E');
    await page.locator('.explorer-viewlet').waitFor();
    await runCommand(page, 'Moebius: Restore Checkpoint');
    await quickRows(page).filter({ hasText: 'Please say yes.' }).click();
    await quickRows(page).filter({ hasText: 'Conversation' }).click();
    chat = webview(page);
    await input().waitFor();
    await untilWritten('Please say yes.\n\nHalf a thought.');
    assert.equal(await chat.getByTestId('user-message').count(), 1);
    await session.screenshots('messages-restored');
    await input().fill('');
  });

  it('gives an edited message back when its files are not to be replaced', async () => {
    const { page } = session;
    await chat.getByTestId('new-chat').click();
    await chat.getByTestId('mode-picker').selectOption('agent');
    await ask(page, chat, 'Change both ends.');
    await approval('cart.js').getByTestId('allow-once').click();
    await approval('npm test').getByTestId('allow-once').click();
    assert.equal(await untilAnswered(chat, 0), 'stop');
    await edit('Change both ends.', 'Change both ends, with care.');
    const dialog = page.locator('.monaco-dialog-box', { hasText: 'The agent has changed 1 file' });
    await dialog.getByRole('button', { name: 'Cancel' }).click();
    await untilWritten('Change both ends, with care.');
    await message('Change both ends.').waitFor();
    await session.screenshots('messages-edit');
    await input().fill('');
  });

  it('keeps an edit while the chat is hidden', async () => {
    await beginEdit('Change both ends.', 'Change both ends, later.');
    await hideAndShow();
    await untilHeld('edit-input', 'Change both ends, later.');
    await chat.getByTestId('edit-input').press('Escape');
    await message('Change both ends.').waitFor();
  });

  it('keeps a message that is too long, in the input and in an edit', async () => {
    const long = 'x'.repeat(1_000_001);
    await input().fill(long);
    await input().press('Enter');
    await toast('1,000,001 characters').waitFor();
    assert.equal((await input().inputValue()).length, long.length);
    await session.screenshots('messages-long');
    await input().fill('');
    await dismiss('1,000,001 characters');
    await edit('Change both ends.', `${long}x`);
    await toast('1,000,002 characters').waitFor();
    assert.equal((await chat.getByTestId('edit-input').inputValue()).length, long.length + 1);
    await dismiss('1,000,002 characters');
    await chat.getByTestId('edit-input').press('Escape');
  });

  it('says that something was refused', async () => {
    await input().evaluate(element => {
      const dataTransfer = new DataTransfer();
      dataTransfer.setData('text/uri-list', `file:///${'x'.repeat(5000)}`);
      element.dispatchEvent(new DragEvent('drop', { dataTransfer, bubbles: true }));
    });
    await toast('That was not done').waitFor();
    await session.screenshots('messages-refused');
  });

  it('chooses what was typed, from a list that was not there yet, and loses nothing of the message', async () => {
    const { page } = session;
    const caret = () => input().evaluate(element => (element as HTMLTextAreaElement).selectionStart);
    await input().fill('Look at  and say yes.');
    await input().press('Home');
    await page.keyboard.type('/new');
    await page.keyboard.press('Enter');
    await untilWritten('Look at  and say yes.');
    await chat.getByTestId('empty-state').waitFor();
    assert.equal(await caret(), 0);
    for (let column = 0; column < 'Look at '.length; column++) await page.keyboard.press('ArrowRight');
    await page.keyboard.type('@');
    // The first list takes as long as it takes to look through the workspace; a key waits for one a second at most.
    await chat.getByTestId('mention').first().waitFor();
    await page.keyboard.type('cart.js');
    await page.keyboard.press('Enter');
    await chat.getByTestId('chip').filter({ hasText: 'cart.js' }).waitFor();
    await untilWritten('Look at and say yes.');
    assert.equal(await caret(), 'Look at '.length);
    await page.keyboard.press('End');
    await page.keyboard.type(' #4242');
    await page.keyboard.press('Enter');
    await message('Look at and say yes. #4242').waitFor();
    assert.equal(await untilAnswered(chat, 0), 'stop');
  });

  it('keeps what is being answered to the agent while the chat is hidden', async () => {
    const { page } = session;
    await chat.getByTestId('new-chat').click();
    await ask(page, chat, 'Write the header.');
    await approval('HEADER.md').getByTestId('deny').click();
    await chat.getByTestId('deny-reason').fill('Not so.');
    await hideAndShow();
    await untilHeld('deny-reason', 'Not so.');
    await chat.getByTestId('deny-reason').press('Escape');
    await approval('HEADER.md').getByTestId('allow-once').click();
    await chat.getByTestId('question-answer').fill('Ann, or');
    await hideAndShow();
    await untilHeld('question-answer', 'Ann, or');
    await chat.getByTestId('question-send').click();
    await approval('npm test').getByTestId('allow-once').click();
    assert.equal(await untilAnswered(chat, 0), 'stop');
  });

  it('tells of a question in a chat that is not shown, and shows it', async () => {
    const { page } = session;
    await chat.getByTestId('new-chat').click();
    await ask(page, chat, 'Please think first.');
    await chat.getByTestId('answer-text').filter({ hasText: 'Let me see.' }).waitFor();
    await chat.getByTestId('new-chat').click();
    await chat.getByTestId('empty-state').waitFor();
    await notifications(page).filter({ hasText: 'Moebius asks' }).waitFor();
    assert.equal(await chat.getByTestId('approval').count(), 0);
    await session.screenshot('messages-asks');
    await page.locator('.notification-toast').getByRole('button', { name: 'Show', exact: true }).click();
    await approval('npm test').getByTestId('allow-once').click();
    assert.equal(await untilAnswered(chat, 0), 'stop');
  });

  it('left no error in the console', () => {
    assert.deepEqual(session.errors, []);
  });
});
