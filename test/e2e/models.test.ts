import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { notifications, quickRows, runCommand, statusItem, webview } from '../../scripts/workbench/page.ts';
import { thisMachine, writeMachineProfile } from '../../src/models/machine.ts';
import { tinyGguf } from '../support/tiny-gguf.ts';
import {
  ask,
  MODEL_MS,
  openChat,
  type Session,
  startSession,
  until,
  untilAnswered,
} from '../support/workbench.ts';

describe('a model of the user', () => {
  const home = mkdtempSync(join(tmpdir(), 'moebius-own-'));
  const file = join(home, 'my-tiny.gguf');
  let session: Session;
  before(async () => {
    writeFileSync(file, tinyGguf());
    // As if the machine had been measured before.
    await writeMachineProfile(home, {
      format: 2,
      ...thisMachine(),
      measuredAt: new Date().toISOString(),
      tookMs: 1,
      tried: [{ threads: 1, write: 46e9, read: 230e9 }],
      threads: 1,
      int4: { write: 46e9, read: 230e9 },
      int8: { write: 46e9, read: 330e9 },
      w8a8: null,
      operatorSeconds: 1e-6,
      share: 1,
    });
    session = await startSession({
      name: 'models',
      env: { MOEBIUS_HOME: home },
      settings: { 'moebius.model.id': '' },
    });
  });
  after(async () => {
    await session?.stop();
    rmSync(home, { recursive: true, force: true });
  });

  const pick = (text: string) => quickRows(session.page).filter({ hasText: text }).first().click();
  const folder = join(home, 'models', 'my-tiny');

  it('is added from a file and loaded', async () => {
    const { page } = session;
    await runCommand(page, 'Moebius: Add Model from File or Address');
    await pick('From a GGUF file');
    const dialog = page.locator('.quick-input-widget', { hasText: 'Moebius: Add Model' });
    await dialog.getByRole('button', { name: 'Add', exact: true }).waitFor();
    const path = dialog.locator('input.input');
    // What is typed before the dialog has filled its list is written over.
    await quickRows(page).filter({ hasText: 'python' }).first().waitFor();
    await path.fill(file);
    await quickRows(page).filter({ hasText: 'my-tiny.gguf' }).first().waitFor();
    await page.keyboard.press('Enter');
    await notifications(page)
      .filter({ hasText: /my-tiny.gguf is ready/ })
      .waitFor({ timeout: MODEL_MS });
    assert.ok(existsSync(join(folder, 'int4', 'manifest.json')));
  });

  it('stands in the list beside those to download, each with what it needs and how fast it would be', async () => {
    const { page } = session;
    const row = (text: string) => quickRows(page).filter({ hasText: text }).first();
    // A change of theme closes the list.
    const open = async () => {
      await runCommand(page, 'Moebius: Choose Model');
      await row('my-tiny').waitFor();
    };
    await open();
    await row('my-tiny')
      .filter({ hasText: /GB of memory, about .* tokens\/s/ })
      .waitFor();
    await row('Qwen2.5-Coder 1.5B')
      .filter({ hasText: /[23]\.\d GB of memory, about .* tokens\/s, starts after/ })
      .waitFor();
    await session.screenshots('choose-model', open);
    await page.keyboard.press('Escape');
    await open();
    await page.keyboard.type('GLM-4.5');
    await row('GLM-4.5-Air')
      .filter({ hasText: /needs more disk space|larger than memory/ })
      .waitFor();
    await page.keyboard.press('Escape');
  });

  it('is shown with what it is made of', async () => {
    const { page } = session;
    await runCommand(page, 'Moebius: Show Model');
    const preview = webview(page);
    await preview.getByRole('row', { name: /Made from.*my-tiny\.gguf/ }).waitFor();
    await preview.getByRole('row', { name: /Here.*GB of memory, about/ }).waitFor();
    // Trained with fewer tokens than the setting's default.
    await preview.getByRole('row', { name: /Loaded.*2,048 tokens of context/ }).waitFor();
    await runCommand(page, 'View: Close All Editors');
  });

  it('answers in the chat', async () => {
    const { page } = session;
    const chat = await openChat(page);
    await ask(page, chat, 'Hello');
    assert.match(await untilAnswered(chat, 0), /stop|length/);
  });

  it('is removed after a question, and the editor says that there is none', async () => {
    const { page } = session;
    await runCommand(page, 'Moebius: Remove Model');
    await pick('my-tiny');
    const dialog = page.locator('.monaco-dialog-box', { hasText: /Remove .*my-tiny.* from this machine/i });
    await dialog.waitFor();
    assert.ok(existsSync(folder), 'nothing is removed before the answer');
    await dialog.getByRole('button', { name: 'Remove' }).click();
    await until(() => !existsSync(folder), 'the folder to go');
    await statusItem(page, /Moebius: no model/).waitFor({ timeout: 60_000 });
    assert.ok(existsSync(file), "the user's own file stays");
  });

  it('an address that is none is refused where it is typed', async () => {
    const { page } = session;
    await runCommand(page, 'Moebius: Add Model from File or Address');
    await pick('From an address');
    await page.locator('.quick-input-widget', { hasText: 'Address of a GGUF file' }).waitFor();
    await page.keyboard.type('http://example.com/model.bin');
    await page.locator('.quick-input-widget', { hasText: 'An https address that ends in .gguf' }).waitFor();
    await page.keyboard.press('Escape');
  });

  it('left no error in the console', () => {
    assert.deepEqual(session.errors, []);
  });
});
