import assert from 'node:assert/strict';
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  ghostText,
  goTo,
  notifications,
  openFile,
  runCommand,
  statusItem,
} from '../../scripts/workbench/page.ts';
import {
  ask,
  descendants,
  MODEL_MS,
  openChat,
  type Session,
  startSession,
  until,
  untilAnswered,
} from '../support/workbench.ts';

const DAEMON = 'dist/daemon.js';

describe('when the daemon is killed', () => {
  let session: Session;
  before(async () => {
    session = await startSession({ name: 'killed' });
  });
  after(() => session?.stop());

  it('the running answer says so, and the next one is answered', async () => {
    const { page, serverPid } = session;
    const chat = await openChat(page);
    await ask(page, chat, 'Count from 1 to 200 in words, one a line.');
    await chat.getByTestId('answer-text').first().filter({ hasText: /\S/ }).waitFor({ timeout: MODEL_MS });
    const killed = descendants(serverPid, DAEMON);
    assert.equal(killed.length, 1, 'one daemon runs');
    process.kill(killed[0]!, 'SIGKILL');
    await chat
      .getByTestId('error')
      .filter({ hasText: /killed/ })
      .waitFor({ timeout: 30_000 });

    await ask(page, chat, 'Say yes.');
    await chat.getByTestId('answer-text').last().filter({ hasText: /\S/ }).waitFor({ timeout: MODEL_MS });
    await untilAnswered(chat, 1);
  });

  it('a reload of the window leaves one daemon at most, stopping the server none', async () => {
    const { page, serverPid } = session;
    await page.reload();
    await until(() => descendants(serverPid, DAEMON).length <= 1, 'the old daemon to end', 60_000);
    const left = descendants(serverPid, DAEMON);
    await session.stop();
    await until(() => left.every(pid => !isAlive(pid)), 'the daemon to end', 15_000);
  });
});

describe('without a model', () => {
  let session: Session;
  before(async () => {
    const home = mkdtempSync(join(tmpdir(), 'moebius-empty-'));
    session = await startSession({ name: 'no-model', env: { MOEBIUS_HOME: home } });
  });
  after(() => session?.stop());

  it('the status bar, a notification and the chat offer the download with its size', async () => {
    const { page } = session;
    await statusItem(page, /Moebius: no model/).waitFor({ timeout: 60_000 });
    await notifications(page)
      .filter({ hasText: /needs a model.*1,117 MB/ })
      .waitFor({ timeout: 30_000 });
    const chat = await openChat(page);
    await chat
      .getByTestId('download-offer')
      .filter({ hasText: /1\.\d+ GB/ })
      .waitFor();
    assert.deepEqual(session.errors, []);
  });
});

describe('in Restricted Mode', () => {
  let session: Session;
  before(async () => {
    session = await startSession({ name: 'restricted', workspaceTrust: true });
  });
  after(() => session?.stop());

  it('nothing runs by itself, the extension says so', async () => {
    const { page, serverPid } = session;
    await page
      .getByRole('button', { name: /No, I don't trust/ })
      .click({ timeout: 10_000 })
      .catch(() => undefined);
    await statusItem(page, 'Moebius').waitFor({ timeout: 60_000 });
    await openFile(page, 'fibonacci.ts');
    await goTo(page, 3, 99);
    await page.keyboard.type('return ', { delay: 30 });
    await page.waitForTimeout(4000);
    assert.equal(await ghostText(page).count(), 0);
    assert.deepEqual(descendants(serverPid, DAEMON), []);
  });

  it('the model is loaded as soon as the folder is trusted', async () => {
    const { page, serverPid } = session;
    await runCommand(page, 'Workspaces: Manage Workspace Trust');
    await page
      .locator('.workspace-trust-editor .monaco-button')
      .filter({ hasText: /^Trust$/ })
      .click();
    await until(() => descendants(serverPid, DAEMON).length === 1, 'the daemon to start', 60_000);
  });
});

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}
