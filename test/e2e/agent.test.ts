import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { FrameLocator } from 'playwright-core';
import {
  goTo,
  openFile,
  quickRows,
  reloadWindow,
  runCommand,
  statusItem,
  webview,
} from '../../scripts/workbench/page.ts';
import type { AnswerRow, HostMessage } from '../../src/protocol/webview.ts';
import { scriptedAgentDaemon } from '../support/daemon-bundle.ts';
import { ask, openChat, type Session, startSession, until, untilAnswered } from '../support/workbench.ts';

/** A project with a bug: the quantity is left out. */
const FILES = {
  'package.json':
    '{ "name": "cart", "private": true, "type": "module", "scripts": { "test": "node --test" } }\n',
  'src/cart.js':
    'export function total(items) {\n  let sum = 0;\n  for (const item of items) {\n    sum += item.price;\n  }\n  return sum;\n}\n',
  'test/cart.test.js': `import assert from 'node:assert/strict';
import { test } from 'node:test';
import { total } from '../src/cart.js';

test('an empty cart costs nothing', () => assert.equal(total([]), 0));
test('the quantity counts', () => assert.equal(total([{ price: 10, quantity: 3 }]), 30));
`,
};
const BROKEN = {
  'src/broken.ts': "export function greet(name: string): string {\n  return 'Hello ' + nme;\n}\n",
};
const CART = 'src/cart.js';
const MENDED = 'sum += item.price * item.quantity;';

describe('agent', () => {
  let session: Session;
  let chat: FrameLocator;
  const state = (title: string) =>
    chat.getByTestId('step').filter({ hasText: title }).last().getAttribute('data-state');
  const pressed = () => chat.locator('.policy[aria-pressed="true"]').getAttribute('data-testid');
  /** Test id of what has the focus in the chat. */
  const focused = () => chat.locator(':focus').getAttribute('data-testid', { timeout: 5000 });
  const lens = (text: string | RegExp) =>
    session.page.locator('.editor-group-container.active .codelens-decoration a').filter({ hasText: text });
  const approval = (text: string | RegExp) => chat.getByTestId('approval').filter({ hasText: text });

  before(async () => {
    session = await startSession({
      name: 'agent',
      daemon: await scriptedAgentDaemon(),
      files: { ...FILES, ...BROKEN },
    });
    chat = await openChat(session.page);
  });
  after(() => session?.stop());

  it('is chosen by its mode, next to what is asked for', async () => {
    await chat.getByTestId('mode-picker').selectOption('agent');
    await chat.getByTestId('policies').waitFor();
    assert.equal(await pressed(), 'policy-ask');
  });

  it('is made stricter by one click, or from the palette, in a narrow side bar too', async () => {
    await chat.getByTestId('policy-ask-everything').click();
    await until(async () => (await pressed()) === 'policy-ask-everything', 'the policy to change');
    await runCommand(session.page, 'Moebius: Approval: Read Only');
    await until(async () => (await pressed()) === 'policy-read-only', 'the policy to change');
    await session.page.setViewportSize({ width: 620, height: 800 });
    const foot = chat.locator('.composer-foot');
    await until(async () => (await foot.boundingBox())!.width < 300, 'the side bar to be narrow');
    assert.equal(await foot.evaluate(({ scrollWidth, clientWidth }) => scrollWidth <= clientWidth), true);
    await session.screenshots('agent-narrow');
    await session.page.setViewportSize({ width: 1280, height: 800 });
    await chat.getByTestId('policy-ask').click();
    await until(async () => (await pressed()) === 'policy-ask', 'the policy to change');
  });

  it('keeps the input in view, however much is attached, planned or wrong', async () => {
    const { page } = session;
    const show = (...messages: HostMessage[]) =>
      chat.locator('body').evaluate((_, shown) => {
        for (const message of shown) window.postMessage(message);
      }, messages);
    const many = <T>(make: (index: number) => T): T[] =>
      Array.from({ length: 60 }, (_, index) => make(index));
    const plan: AnswerRow = {
      kind: 'answer',
      id: 'long-plan',
      text: '',
      finish: null,
      canGoOn: false,
      model: '',
      level: 'exact',
      usage: null,
      error: null,
      work: {
        parts: [],
        todo: many(index => ({ text: `Step ${index} of a plan`, state: 'open' })),
        changed: [],
      },
    };
    const chips = many(index => {
      const label = `some-file-${index}.ts`;
      return { id: label, kind: 'file' as const, label, tokens: null, cut: null };
    });
    await page.setViewportSize({ width: 620, height: 800 });
    await show(
      { type: 'row', row: plan },
      { type: 'chips', chips },
      { type: 'phase', phase: { kind: 'down', reason: 'The model could not be loaded. '.repeat(60) } },
    );
    await chat.getByTestId('chip').nth(59).waitFor({ state: 'attached' });
    await chat.getByTestId('todo').waitFor();
    const isInView = await chat.locator('.composer').evaluate(composer => {
      const { top, bottom } = composer.getBoundingClientRect();
      return top >= 0 && bottom <= window.innerHeight;
    });
    await session.screenshot('agent-crowded');
    await show(
      { type: 'phase', phase: { kind: 'idle' } },
      { type: 'chips', chips: [] },
      { type: 'remove', id: 'long-plan' },
    );
    await chat.getByTestId('chip').first().waitFor({ state: 'detached' });
    await page.setViewportSize({ width: 1280, height: 800 });
    assert.equal(isInView, true);
  });

  it('asks before a command, and shows what it writes', async () => {
    await ask(session.page, chat, 'Fix the failing test.');
    const card = approval('npm test');
    await card.waitFor();
    assert.equal(await card.getByTestId('approval-detail').textContent(), 'npm test');
    await session.screenshots('agent-command');
    await card.getByTestId('allow-always').click();
    await until(async () => (await state('npm test')) === 'failed', 'the command to end');
    await chat.getByTestId('output').first().filter({ hasText: 'the quantity counts' }).waitFor();
  });

  it('shows an edit as a diff before it is made, and takes it by the keyboard', async () => {
    const card = approval('cart.js');
    await card.waitFor();
    assert.match((await card.getByTestId('diff').textContent()) ?? '', /price \* item\.quantity/);
    assert.ok(!session.read(CART).includes(MENDED), 'nothing is written before it is allowed');
    await session.screenshots('agent-edit');
    await card.getByTestId('allow-once').waitFor();
    await card.getByTestId('allow-once').focus();
    await session.page.keyboard.press('Control+Enter');
    await session.untilFile(CART, text => text.includes(MENDED));
  });

  it('runs what is always allowed unasked, and lists what it changed', async () => {
    assert.equal(await untilAnswered(chat, 0), 'stop');
    assert.equal(await state('npm test'), 'ok');
    const changes = chat.getByTestId('changes');
    assert.match((await changes.textContent()) ?? '', /1 file changed\s*\+1 −1/);
    await chat.getByTestId('answer-text').last().filter({ hasText: 'All tests pass' }).waitFor();
    await session.screenshots('agent-done');
  });

  it('compares a changed file with what it was', async () => {
    const { page } = session;
    await chat.getByTestId('changed-file').getByRole('button').first().click();
    await page.locator('.tab', { hasText: 'Moebius: Changes of cart.js' }).waitFor();
    await page.locator('.monaco-diff-editor .line-insert').first().waitFor();
    await session.screenshots('agent-diff');
  });

  it('offers to keep or undo each change in the document', async () => {
    const { page } = session;
    await openFile(page, CART);
    await lens('Keep').first().waitFor();
    await session.screenshots('agent-review');
    await lens('Undo').first().click();
    await session.untilFile(CART, text => text === FILES[CART]);
    await lens(/./).first().waitFor({ state: 'detached' });
    await page.keyboard.press('Control+Z');
    await page.keyboard.press('Control+S');
    await session.untilFile(CART, text => text.includes(MENDED));
  });

  it('keeps the turn', async () => {
    await chat.getByTestId('keep-turn').click();
    await chat.getByTestId('changes').filter({ hasText: 'Kept: 1 file changed' }).waitFor();
    assert.equal(await chat.getByTestId('keep-turn').count(), 0);
    assert.ok(session.read(CART).includes(MENDED));
  });

  it('undoes the turn', async () => {
    await chat.getByTestId('undo-turn').click();
    await session.untilFile(CART, text => text === FILES[CART]);
    await chat.getByTestId('changes').filter({ hasText: 'Undone' }).waitFor();
  });

  it('attaches a folder and a symbol by their names', async () => {
    const { page } = session;
    const offered = (kind: string, label: string) =>
      chat
        .getByTestId('mention')
        .filter({ has: chat.locator(`.codicon-${kind}`) })
        .filter({ hasText: label });
    const choose = async (typed: string, kind: string, label: string) => {
      // The language server has its symbols when it has read the project.
      await until(async () => {
        await chat.getByTestId('input').fill('');
        await chat.getByTestId('input').pressSequentially(typed);
        await page.waitForTimeout(1500);
        if ((await offered(kind, label).count()) === 0) return false;
        await session.screenshot(`agent-mention-${kind}`);
        // A later answer may have taken it away again.
        const click = offered(kind, label).first().click({ timeout: 3000 });
        return click.then(
          () => true,
          () => false,
        );
      }, `${label} to be offered`);
    };
    await choose('@sr', 'folder', 'src/');
    await choose('#tota', 'symbol-method', 'total');
    const chips = chat.getByTestId('chip');
    await chips.filter({ hasText: 'src/' }).first().waitFor();
    await chips.filter({ hasText: 'src/cart.js:1-7' }).waitFor();
    await session.screenshots('agent-references');
    // What is attached is the host's: a chip goes when its answer is here, and another click would wait for the next one.
    for (let left = await chips.count(); left > 0; left--) {
      await chat.getByTestId('chip-remove').first().click();
      await until(async () => (await chips.count()) < left, 'the chip to go');
    }
    await until(async () => (await focused()) === 'input', 'the input to take the focus of what went');
  });

  it('asks a question, and denies with a reason', async () => {
    await ask(session.page, chat, 'Write a header.');
    const card = approval('HEADER.md');
    await card.waitFor();
    await card.getByTestId('deny').click();
    await card.getByTestId('deny-reason').press('Escape');
    assert.equal(await focused(), 'approval', 'the focus is not lost with the reason');
    await card.getByTestId('deny').click();
    await card.getByTestId('deny-reason').fill('no new files');
    await session.page.keyboard.press('Enter');
    const question = chat.getByTestId('question');
    await question.waitFor();
    await until(async () => (await focused()) === 'question', 'the question to have the focus');
    await session.screenshots('agent-question');
    await question.focus();
    await session.page.keyboard.press('Tab');
    await session.page.keyboard.press('Tab');
    assert.equal(await chat.locator(':focus').textContent(), 'No');
    await session.page.keyboard.press('Enter');
    assert.equal(await untilAnswered(chat, 1), 'stop');
    assert.equal(await focused(), 'input', 'the focus is not lost with the card');
    assert.equal(await state('HEADER.md'), 'denied');
  });

  it('is looked through by keys, and decided about file by file', async () => {
    const { page } = session;
    const changeBothEnds = async (answer: number) => {
      await ask(page, chat, 'Change both ends.');
      await approval('cart.js').getByTestId('allow-once').click();
      assert.equal(await untilAnswered(chat, answer), 'stop');
      await openFile(page, CART);
      await lens('Keep all 2 changes').waitFor();
    };
    const cursorAt = (line: number) => statusItem(page, `Ln ${line}, Col 1`).waitFor();
    await changeBothEnds(2);
    await page.keyboard.press('Control+Home');
    await cursorAt(1);
    await page.keyboard.press('Alt+F5');
    await cursorAt(2);
    await page.keyboard.press('Control+Alt+U');
    await session.untilFile(CART, text => text.includes('let sum') && text.includes('return all'));
    await cursorAt(6);
    await page.keyboard.press('Control+Alt+U');
    await session.untilFile(CART, text => text === FILES[CART]);
    await lens(/./).first().waitFor({ state: 'detached' });

    await changeBothEnds(3);
    await lens('Undo all').click();
    await session.untilFile(CART, text => text === FILES[CART]);

    await changeBothEnds(4);
    await lens('Keep all').click();
    await lens(/./).first().waitFor({ state: 'detached' });
    assert.match(session.read(CART), /let all[\s\S]*return all/);
    await runCommand(page, 'Moebius: Undo Last Agent Turn');
    await session.untilFile(CART, text => text === FILES[CART]);
  });

  it('edits unsaved text in the editor and does not save it', async () => {
    const { page } = session;
    await openFile(page, CART);
    await goTo(page, 1);
    await page.keyboard.type('const mine = 1;');
    await page.keyboard.press('Enter');
    await page.locator('.tab.active.dirty').waitFor();
    await ask(page, chat, 'Fix the failing test.');
    await approval('cart.js').getByTestId('allow-once').click();
    assert.equal(await untilAnswered(chat, 5), 'stop');
    const editor = page.locator('.editor-instance .monaco-editor .view-lines').first();
    await editor.filter({ hasText: 'const mine' }).filter({ hasText: 'quantity' }).waitFor();
    assert.equal(session.read(CART), FILES[CART], 'nothing was saved');
  });

  it('restores a checkpoint: the unsaved text of before, and the conversation', async () => {
    const { page } = session;
    const message = chat.getByTestId('user-message').last();
    await message.hover();
    await message.getByTestId('restore').click();
    await quickRows(page).filter({ hasText: 'Files and conversation' }).waitFor();
    await session.screenshot('agent-restore');
    await quickRows(page).filter({ hasText: 'Files and conversation' }).click();
    await until(async () => (await chat.getByTestId('answer').count()) === 5, 'the answer to go');
    const editor = page.locator('.editor-instance .monaco-editor .view-lines').first();
    await editor.filter({ hasText: 'const mine' }).filter({ hasNotText: 'quantity' }).waitFor();
    const input = chat.getByTestId('input');
    await until(
      async () => (await input.inputValue()) === 'Fix the failing test.',
      'the message in the input',
    );
  });

  it('keeps what it did over a reload', async () => {
    await session.page.keyboard.press('Control+Shift+P');
    await session.page.keyboard.press('Escape');
    await reloadWindow(session.page);
    await runCommand(session.page, 'Moebius: Open Chat');
    chat = webview(session.page);
    await chat.getByTestId('changes').filter({ hasText: 'Undone' }).first().waitFor({ timeout: 60_000 });
    assert.equal(await chat.getByTestId('mode-picker').inputValue(), 'agent');
  });

  it('shows after a reload what waited for its turn, to be sent or dropped', async () => {
    const { page } = session;
    // The message that was given back.
    await chat.getByTestId('input').fill('');
    await ask(page, chat, 'Write a header.');
    await approval('HEADER.md').waitFor();
    await ask(page, chat, 'Change both ends.');
    await ask(page, chat, 'Never mind.');
    await chat.getByTestId('queued').nth(1).waitFor();
    // Out of the chat, where an Escape would stop the answer.
    await openFile(page, CART);
    await reloadWindow(page);
    await runCommand(page, 'Moebius: Open Chat');
    chat = webview(page);
    const unsent = chat.getByTestId('unsent');
    await unsent.nth(1).waitFor({ timeout: 60_000 });
    assert.equal(await chat.getByTestId('stop').count(), 0, 'nothing is sent by itself');
    await chat.getByTestId('continue').waitFor();
    await session.screenshots('agent-unsent');
    await chat.getByTestId('user-message').last().getByTestId('unqueue').click();
    await until(async () => (await unsent.count()) === 1, 'the message to go');
    await chat.getByTestId('send-unsent').click();
    await approval('cart.js').waitFor();
    await chat.getByTestId('stop').click();
    await until(async () => (await unsent.count()) === 0, 'the message to be sent');
    assert.equal(
      await chat.getByTestId('user-message').last().locator('p').first().textContent(),
      'Change both ends.',
    );
  });

  it('shows a command in a terminal', async () => {
    const { page } = session;
    const step = chat.getByTestId('step').filter({ hasText: 'npm test' }).first();
    await step.getByRole('button').first().click();
    await step.getByTestId('show-terminal').click();
    await page.locator('.terminal-outer-container .xterm').first().waitFor();
    await session.screenshot('agent-terminal');
  });

  it('is given a problem from the light bulb', async () => {
    const { page } = session;
    await openFile(page, 'broken.ts');
    await page.locator('.squiggly-error').first().waitFor({ timeout: 60_000 });
    await goTo(page, 2, 21);
    await page.keyboard.press('Control+.');
    const fix = page.locator('.action-widget .monaco-list-row').filter({ hasText: 'Fix with the agent' });
    await fix.click();
    const message = chat.getByTestId('user-message').last();
    await message
      .filter({ hasText: /Fix the problem in .*broken\.ts, line 2\./ })
      .waitFor({ timeout: 60_000 });
    await message.filter({ hasText: /Problem in .*broken\.ts, line 2/ }).waitFor();
    await untilAnswered(chat, 0);
  });

  it('reviews staged changes as comments', async () => {
    const { page, folder } = session;
    writeFileSync(join(folder, CART), FILES[CART].replace('item.price', 'item.price * item.quantity'));
    execFileSync('git', ['add', CART], { cwd: folder });
    await openFile(page, CART);
    await runCommand(page, 'Moebius: Review Staged Changes');
    await page.locator('.review-comment', { hasText: 'counted twice' }).waitFor({ timeout: 60_000 });
    await session.screenshots('agent-comments');
  });

  it('left no error in the console', () => {
    assert.deepEqual(session.errors, []);
  });
});

describe('agent in Restricted Mode', () => {
  let session: Session;
  before(async () => {
    session = await startSession({
      name: 'agent-restricted',
      daemon: await scriptedAgentDaemon(),
      workspaceTrust: true,
    });
  });
  after(() => session?.stop());

  it('has no tools, and says why', async () => {
    const { page } = session;
    const browse = page.locator('.monaco-dialog-box .monaco-button', {
      hasText: 'browse in restricted mode',
    });
    await browse.click({ timeout: 10_000 }).catch(() => undefined);
    const chat = await openChat(page);
    await chat.getByTestId('agent-locked').filter({ hasText: 'Restricted Mode' }).waitFor();
    assert.equal(await chat.getByTestId('mode-picker').count(), 0);
    await ask(page, chat, 'Hello.');
    assert.equal(await untilAnswered(chat, 0), 'stop');
    assert.equal(await chat.getByTestId('step').count(), 0);
    await session.screenshots('agent-restricted');
  });
});
