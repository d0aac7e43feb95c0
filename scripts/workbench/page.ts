/** What a person does in the workbench, for Playwright: open a folder, a file, the palette; read ghost text and views. */
import type { Browser, FrameLocator, Locator, Page } from 'playwright-core';

export interface OpenOptions {
  /** Called for every console message and uncaught error of the page. */
  onConsole?(kind: string, text: string): void;
  /** For tests inside the extension host: `extensionTestsPath` and so on, see developing.md. */
  payload?: [string, string][];
  /** Called before anything is loaded. */
  prepare?(page: Page): Promise<void>;
  viewport?: { width: number; height: number };
}

export async function openWorkbench(
  browser: Browser,
  serverUrl: string,
  folder: string,
  options: OpenOptions = {},
): Promise<Page> {
  const context = await browser.newContext({
    viewport: options.viewport ?? { width: 1280, height: 800 },
    permissions: ['clipboard-read', 'clipboard-write'],
  });
  const page = await context.newPage();
  page.on('console', message => options.onConsole?.(message.type(), message.text()));
  page.on('pageerror', error => options.onConsole?.('pageerror', String(error)));
  await options.prepare?.(page);
  const url = new URL(serverUrl);
  url.searchParams.set('folder', folder);
  if (options.payload) url.searchParams.set('payload', JSON.stringify(options.payload));
  await page.goto(url.href, { timeout: 120_000 });
  await untilReady(page);
  return page;
}

export async function untilReady(page: Page): Promise<void> {
  await page.waitForSelector('.monaco-workbench .part.statusbar .statusbar-item', { timeout: 120_000 });
}

const quickInput = (page: Page): Locator => page.locator('.quick-input-widget input.input');
export const quickRows = (page: Page): Locator => page.locator('.quick-input-widget .monaco-list-row');

/**
 * Runs a command from the palette by its full title, e.g. `Moebius: New Chat`. An open palette does not take note of
 * commands that arrive after it, and a view that takes the focus closes it: then it is opened again.
 */
export async function runCommand(page: Page, title: string, timeoutMs = 60_000): Promise<void> {
  const row = quickRows(page).filter({ hasText: title }).first();
  await insist(page, `The palette has no command "${title}".`, timeoutMs, async () => {
    await page.keyboard.press('F1');
    await quickInput(page).fill(`>${title}`, { timeout: 3000 });
    await row.click({ timeout: 3000, trial: true });
    // One that is given up on a busy machine may have been carried out, and the command would run again.
    await row.click({ timeout: 15_000 });
  });
}

/** Reloads the window by its command. When this returns, what is there is the new page. */
export async function reloadWindow(page: Page): Promise<void> {
  const loaded = page.waitForEvent('domcontentloaded', { timeout: 120_000 });
  // Told below, unless the command fails first.
  loaded.catch(() => undefined);
  await runCommand(page, 'Developer: Reload Window');
  await loaded;
  await untilReady(page);
}

/** Does something in a widget that other things may close, again and again until it succeeds. */
async function insist(
  page: Page,
  complaint: string,
  timeoutMs: number,
  act: () => Promise<void>,
): Promise<void> {
  const deadline = performance.now() + timeoutMs;
  for (;;) {
    try {
      return await act();
    } catch (cause) {
      if (performance.now() > deadline) throw new Error(complaint, { cause });
      await page.keyboard.press('Escape');
    }
  }
}

/** Opens a file of the workspace and puts the cursor into its editor. */
export async function openFile(page: Page, name: string): Promise<Locator> {
  const label = name.split('/').at(-1) ?? name;
  // By its whole label: a diff of the file that was open lately has the name further back.
  const exact = new RegExp(`^${label.replaceAll('.', '\\.')}$`);
  const row = quickRows(page).filter({ has: page.locator('.label-name', { hasText: exact }) });
  await insist(page, `The workspace has no file "${name}".`, 60_000, async () => {
    await page.keyboard.press('Control+P');
    await quickInput(page).fill(name, { timeout: 3000 });
    await row.first().waitFor({ timeout: 3000 });
    // What was open lately stands there first; the search then puts its own rows above, under the click.
    await page.waitForTimeout(500);
    await row.first().click({ timeout: 3000 });
    // By the start of its label: a preview has more after it.
    const tab = page.locator(`.tabs-container .tab.active[aria-label^="${label}"]`).first();
    await tab.waitFor({ timeout: 5000 });
  });
  const editor = page.locator('.editor-group-container.active .editor-instance .monaco-editor').first();
  await editor.locator('.view-lines').first().waitFor();
  // Where the row was there may be a tab now, whose hover covers the first line.
  const { x, y, width, height } = (await editor.boundingBox())!;
  await page.mouse.move(x + width / 2, y + height / 2);
  await editor.locator('.view-line').first().click();
  return editor;
}

/** Moves the cursor to a line and column, both counted from 1. */
export async function goTo(page: Page, line: number, column = 1): Promise<void> {
  await page.keyboard.press('Control+G');
  await quickInput(page).waitFor({ state: 'visible' });
  await quickInput(page).fill(`:${line}:${column}`);
  await page.keyboard.press('Enter');
  await quickInput(page).waitFor({ state: 'hidden' });
}

/** The grey suggestion at the cursor; lines after the first are drawn below it as separate elements. */
export const ghostText = (page: Page): Locator =>
  page.locator('.ghost-text-decoration, .ghost-text-decoration-preview');

/** A webview is a page of VS Code's with ours inside. `within` is the part that holds it, e.g. the side bar's selector. */
export const webview = (page: Page): FrameLocator =>
  page.frameLocator('iframe.webview.ready').frameLocator('iframe#active-frame');

/** The status bar item whose text or tooltip contains the text. */
export const statusItem = (page: Page, text: string | RegExp): Locator =>
  page.locator('.part.statusbar .statusbar-item', { hasText: text }).first();

export const notifications = (page: Page): Locator =>
  page.locator('.notification-toast .notification-list-item-message');

export async function setTheme(page: Page, theme: 'light' | 'dark'): Promise<void> {
  await runCommand(page, 'Preferences: Color Theme');
  await quickInput(page).waitFor({ state: 'visible' });
  const name = theme === 'light' ? 'Light Modern' : 'Dark Modern';
  await quickInput(page).fill(name);
  await quickRows(page).filter({ hasText: name }).first().waitFor();
  await page.keyboard.press('Enter');
  const base = theme === 'light' ? 'vs' : 'vs-dark';
  await page.waitForSelector(`.monaco-workbench.${base}`);
}
