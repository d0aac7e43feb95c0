/** The default model mends a failing test by chat. What it does is not scripted: every request is shown and allowed. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import type { FrameLocator } from 'playwright-core';
import { quickRows } from '../../scripts/workbench/page.ts';
import { isInstalled } from '../support/models.ts';
import { ask, openChat, type Session, startSession, until } from '../support/workbench.ts';

const MODEL = process.env.MOEBIUS_E2E_AGENT_MODEL || 'qwen2.5-coder-1.5b';
/** For the whole task: several answers of the model, each of which reads what the one before came to. */
const TASK_MS = 280_000;

const FILES = {
  'package.json':
    '{ "name": "cart", "private": true, "type": "module", "scripts": { "test": "node --test" } }\n',
  'src/cart.js':
    '/** Price of all items together. */\nexport function total(items) {\n  let sum = 0;\n  for (const item of items) {\n    sum += item.price;\n  }\n  return sum;\n}\n',
  'test/cart.test.js': `import assert from 'node:assert/strict';
import { test } from 'node:test';
import { total } from '../src/cart.js';

test('an empty cart costs nothing', () => {
  assert.equal(total([]), 0);
});

test('the price counts as often as the quantity says', () => {
  assert.equal(total([{ price: 10, quantity: 3 }]), 30);
});
`,
};

describe('agent with the default model', () => {
  let session: Session;
  let chat: FrameLocator;
  before(async function () {
    // 2.5 GB that not every machine has made.
    if (!isInstalled(MODEL)) this.skip();
    session = await startSession({
      name: 'agent-model',
      files: FILES,
      settings: { 'moebius.model.id': MODEL },
    });
    chat = await openChat(session.page);
  });
  after(() => session?.stop());

  const TASK = 'The test in test/cart.test.js fails. Fix src/cart.js.';

  it('fixes a failing test, with an approved command and edit', async () => {
    await chat.getByTestId('mode-picker').selectOption('agent');
    await ask(session.page, chat, TASK);
    const asked = await allowAll();
    await session.screenshots('agent-model');
    assert.deepEqual([...new Set(asked)].sort(), ['command', 'edit']);
    execFileSync(process.execPath, ['--test'], { cwd: session.folder, stdio: 'pipe' });
  });

  it('goes back to before the message: the file, and the conversation', async () => {
    const { page } = session;
    const message = chat.getByTestId('user-message');
    await message.hover();
    await message.getByTestId('restore').click();
    await quickRows(page).filter({ hasText: 'Files and conversation' }).click();
    await session.untilFile('src/cart.js', text => text === FILES['src/cart.js']);
    await until(async () => (await chat.getByTestId('answer').count()) === 0, 'the answer to go');
    const input = chat.getByTestId('input');
    await until(async () => (await input.inputValue()) === TASK, 'the message in the input');
  });

  it('fixes it again, and undoes what that turn has changed', async () => {
    await chat.getByTestId('input').press('Enter');
    await allowAll();
    await session.untilFile('src/cart.js', text => text !== FILES['src/cart.js']);
    await chat.getByTestId('undo-turn').click();
    await session.untilFile('src/cart.js', text => text === FILES['src/cart.js']);
  });

  /** Allows whatever is asked for until the answer ends; what that was, in order. */
  async function allowAll(): Promise<string[]> {
    const asked: string[] = [];
    const ended = chat.locator('[data-testid="answer"]:not([data-finish="writing"])');
    const card = chat.getByTestId('approval');
    const deadline = performance.now() + TASK_MS;
    for (;;) {
      await card
        .or(ended)
        .first()
        .waitFor({ timeout: deadline - performance.now() });
      if ((await ended.count()) > 0) return asked;
      const isEdit = (await card.getByTestId('diff').count()) > 0;
      asked.push(isEdit ? 'edit' : 'command');
      if (asked.length <= 2) await session.screenshot(`agent-model-${asked.length}-${asked.at(-1)}`);
      await card.getByTestId('allow-once').click();
      await card.waitFor({ state: 'detached' });
    }
  }
});
