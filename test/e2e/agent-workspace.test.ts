/** What a workspace brings along for the agent (prompts, skills, rules, MCP servers), and what is there again after a reload. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import type { FrameLocator } from 'playwright-core';
import { ROOT } from '../../scripts/steps.ts';
import { openFile, quickRows, reloadWindow, runCommand, webview } from '../../scripts/workbench/page.ts';
import { scriptedAgentDaemon } from '../support/daemon-bundle.ts';
import {
  ask,
  descendants,
  openChat,
  type Session,
  startSession,
  until,
  untilAnswered,
} from '../support/workbench.ts';

const CART = 'src/cart.js';
const BROKEN =
  'export function total(items) {\n  let sum = 0;\n  for (const item of items) {\n    sum += item.price;\n  }\n  return sum;\n}\n';
const MENDED = 'sum += item.price * item.quantity;';
const SERVER = join(ROOT, 'test/fixtures/mcp/server.cjs');
const FILES = {
  'package.json':
    '{ "name": "cart", "private": true, "type": "module", "scripts": { "test": "node --test" } }\n',
  [CART]: BROKEN,
  'test/cart.test.js': `import assert from 'node:assert/strict';
import { test } from 'node:test';
import { total } from '../src/cart.js';

test('the quantity counts', () => assert.equal(total([{ price: 10, quantity: 3 }]), 30));
`,
  'AGENTS.md': `${'Keep functions short. '.repeat(500)}\n`,
  '.moebius/prompts/mend.md':
    '---\ndescription: Find out why tests fail, and mend the code\n---\nFix the failing test. $ARGUMENTS\n',
  '.moebius/skills/carts/SKILL.md':
    '---\nname: carts\ndescription: How carts are added up\n---\nA price counts as often as its quantity.\n',
  '.moebius/mcp.json': `// The servers of this project.
${JSON.stringify({ servers: { hub: { type: 'stdio', command: process.execPath, args: [SERVER] } } }, null, 2)}
`,
};

describe('agent with what the workspace brings along', () => {
  let session: Session;
  let chat: FrameLocator;
  const input = () => chat.getByTestId('input');
  const options = () => chat.getByTestId('mention');
  const approval = (text: string | RegExp) => chat.getByTestId('approval').filter({ hasText: text });
  const lens = () => session.page.locator('.editor-group-container.active .codelens-decoration a');

  before(async () => {
    session = await startSession({
      name: 'agent-workspace',
      daemon: await scriptedAgentDaemon(),
      files: FILES,
    });
    chat = await openChat(session.page);
    await chat.getByTestId('mode-picker').selectOption('agent');
  });
  after(() => session?.stop());

  it('lists commands, prompts and skills behind a slash, and reads the list out', async () => {
    const { page } = session;
    await input().click();
    await page.keyboard.type('/');
    await options().filter({ hasText: '/mend' }).waitFor();
    await options().filter({ hasText: '/carts' }).waitFor();
    const announcement = chat.getByTestId('announcement');
    await announcement.filter({ hasText: /^\d+ suggestions, arrow keys to choose\. \/new/ }).waitFor();
    await page.keyboard.press('ArrowUp');
    assert.match((await input().getAttribute('aria-activedescendant')) ?? '', /^mention-\d+$/);
    assert.equal(await options().last().getAttribute('aria-selected'), 'true');
    await session.screenshots('agent-slash', async () => {
      await input().click();
      await page.keyboard.press('Control+A');
      await page.keyboard.type('/');
      await options().first().waitFor();
    });
  });

  it('takes a prompt by the keyboard, and sends what it stands for', async () => {
    const { page } = session;
    await input().click();
    await page.keyboard.press('Control+A');
    await page.keyboard.type('/me');
    await until(async () => (await options().count()) === 1, 'the list to be narrowed');
    await page.keyboard.press('Tab');
    await until(async () => (await input().inputValue()) === '/mend ', 'the name in the input');
    await page.keyboard.type('Now.');
    await page.keyboard.press('Enter');
    await chat.getByTestId('user-message').filter({ hasText: '/mend Now.' }).waitFor();
  });

  it('tells that the rules are too long', async () => {
    const note = chat.getByRole('note').filter({ hasText: 'The rules are 11,' });
    await note.filter({ hasText: 'AGENTS.md' }).waitFor();
  });

  it("asks before it starts the workspace's MCP server, with its exact command line", async () => {
    const card = approval('Start the MCP server hub');
    await card.waitFor();
    const detail = (await card.getByTestId('approval-detail').textContent()) ?? '';
    assert.ok(detail.startsWith(`${process.execPath} ${SERVER}\n`), detail);
    await session.screenshots('agent-mcp');
    await card.getByTestId('allow-always').click();
    // The prompt reached the model: it does what that says.
    await approval('npm test').getByTestId('allow-always').click();
    await approval('cart.js').getByTestId('allow-once').click();
    assert.equal(await untilAnswered(chat, 0), 'stop');
    assert.ok(session.read(CART).includes(MENDED));
  });

  it('uses its tools, each call after asking', async () => {
    await ask(session.page, chat, 'Tell me the sum of two numbers.');
    const card = approval('Use add of the MCP server hub');
    await card.waitFor();
    await card.getByTestId('allow-once').click();
    assert.equal(await untilAnswered(chat, 1), 'stop');
    const step = chat.getByTestId('step').filter({ hasText: 'add' }).last();
    assert.equal(await step.getAttribute('data-state'), 'ok');
  });

  it('still has its changes to decide about after a reload', async () => {
    const { page } = session;
    await openFile(page, CART);
    await lens().filter({ hasText: 'Keep' }).first().waitFor();
    await reloadWindow(page);
    await runCommand(page, 'Moebius: Open Chat');
    chat = webview(page);
    const changes = chat.getByTestId('changes').filter({ hasText: '1 file changed' });
    await changes.waitFor({ timeout: 60_000 });
    await changes.getByTestId('undo-turn').waitFor();
    await openFile(page, CART);
    await lens().filter({ hasText: 'Keep' }).first().waitFor({ timeout: 60_000 });
    await lens().filter({ hasText: 'Undo' }).first().waitFor();
    await session.screenshots('agent-reloaded');
  });

  it('undoes the turn with a slash command', async () => {
    const { page } = session;
    await input().click();
    await page.keyboard.type('/undo');
    await options().filter({ hasText: '/undo' }).waitFor();
    await page.keyboard.press('Enter');
    await session.untilFile(CART, text => text === BROKEN);
    await chat.getByTestId('changes').filter({ hasText: 'Undone' }).waitFor();
    await lens().first().waitFor({ state: 'detached' });
  });

  it('lists what is always allowed, and takes it back', async () => {
    const { page } = session;
    await input().click();
    await page.keyboard.type('/allowed');
    await options().filter({ hasText: '/allowed' }).waitFor();
    await page.keyboard.press('Enter');
    await quickRows(page).filter({ hasText: 'npm test' }).waitFor();
    await quickRows(page).filter({ hasText: 'hub: ' }).waitFor();
    await session.screenshot('agent-allowed');
    await quickRows(page).filter({ hasText: 'npm test' }).click();
    await until(async () => (await quickRows(page).count()) === 1, 'the command to go');
    await page.keyboard.press('Escape');
    await chat.getByTestId('new-chat').click();
    await ask(page, chat, 'Fix the failing test.');
    // The server is still allowed, so this is what is asked for first.
    const card = chat.getByTestId('approval');
    await card.waitFor();
    assert.match((await card.textContent()) ?? '', /npm test/);
    await chat.getByTestId('stop').click();
    assert.equal(await untilAnswered(chat, 0), 'cancelled');
  });

  it('tells of a command that goes on in the background, and stops it', async () => {
    const { page } = session;
    await chat.getByTestId('new-chat').click();
    await ask(page, chat, 'Start the server in the background.');
    await approval('I serve').getByTestId('allow-once').click();
    assert.equal(await untilAnswered(chat, 0), 'stop');
    await chat.getByRole('note').filter({ hasText: 'Still running in the background' }).waitFor();
    assert.equal(descendants(session.serverPid, 'sleep 600').length > 0, true);
    await input().click();
    await page.keyboard.type('/running');
    await options().filter({ hasText: '/running' }).waitFor();
    await page.keyboard.press('Enter');
    await quickRows(page).filter({ hasText: 'I serve' }).waitFor();
    await session.screenshot('agent-running');
    await page.keyboard.press('Enter');
    await until(() => descendants(session.serverPid, 'sleep 600').length === 0, 'the command to end');
    await page.keyboard.press('Escape');
  });

  it('left no error in the console', () => {
    assert.deepEqual(session.errors, []);
  });
});
