/** One workbench for a test file: the packaged VSIX, a fresh profile, a copy of the sample workspace under Git. */
import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { FrameLocator, Page } from 'playwright-core';
import { packageVsix } from '../../scripts/package.ts';
import { ROOT } from '../../scripts/steps.ts';
import { installBrowser, launchBrowser } from '../../scripts/workbench/browser.ts';
import { installWorkbench } from '../../scripts/workbench/install.ts';
import { openWorkbench, runCommand, setTheme, statusItem, webview } from '../../scripts/workbench/page.ts';
import { type ServerOptions, startServer } from '../../scripts/workbench/server.ts';

import { linkedStore } from './models.ts';

/** Small: what is tested is the road, not the answers. MOEBIUS_E2E_MODEL names another. */
export const MODEL = process.env.MOEBIUS_E2E_MODEL || 'qwen2.5-coder-0.5b';
/** For whatever waits for the model: a machine may read 10 tokens/s and write 2. */
export const MODEL_MS = 180_000;
const FADE_MS = 300;
const RESULTS = join(ROOT, 'test-results');

export interface Session {
  page: Page;
  /** Absolute path of the workspace. */
  folder: string;
  /** Process id of the workbench server, the ancestor of everything that runs. */
  serverPid: number;
  /** Console errors and uncaught errors of the page that speak of Moebius or of its content policy. */
  errors: string[];
  read(path: string): string;
  /** Waits until a file of the workspace fulfils the condition, and returns its text. */
  untilFile(path: string, isDone: (text: string) => boolean): Promise<string>;
  /** `<name>.png` in test-results, for what a change of theme would close. */
  screenshot(name: string): Promise<void>;
  /** `<name>-dark.png` and `<name>-light.png` in test-results. `again` brings back what a change of theme closes. */
  screenshots(name: string, again?: () => Promise<void>): Promise<void>;
  stop(): Promise<void>;
}

let vsix: Promise<string> | undefined;
let openPage: { page: Page; name: string } | undefined;

/** What every file needs, once, and not within the time that the first of them has. */
before(async function () {
  this.timeout(1_800_000);
  await installWorkbench();
  await installBrowser();
  await packageOnce();
});

/** A failed test leaves a picture of what it saw. */
afterEach(async function () {
  const test = this.currentTest;
  if (test?.state !== 'failed' || !openPage) return;
  const name = `failed-${openPage.name}-${test.title.replace(/\W+/g, '-').slice(0, 40)}`;
  await openPage.page.screenshot({ path: join(RESULTS, `${name}.png`) }).catch(() => undefined);
});

/** The package under test, built once for all test files. */
export const packageOnce = (): Promise<string> => (vsix ??= packageVsix());

export interface SessionOptions extends Partial<Omit<ServerOptions, 'folder'>> {
  /** Of the profile and workspace folders. */
  name: string;
  /** A script that takes the place of the daemon, for what a real model would not do the same way every time. */
  daemon?: string;
  /** Files of the workspace besides the sample's, by path. */
  files?: Record<string, string>;
}

export async function startSession({
  name,
  daemon,
  files = {},
  ...options
}: SessionOptions): Promise<Session> {
  const workbench = await installWorkbench();
  const chromium = await installBrowser();
  const runFolder = join(ROOT, '.cache/e2e', name);
  const folder = join(runFolder, 'workspace');
  const server = await startServer(workbench, {
    ...options,
    env: { MOEBIUS_HOME: linkedStore(join(runFolder, 'store')), ...options.env },
    folder: join(runFolder, 'profile'),
    vsix: [await packageOnce(), ...(options.vsix ?? [])],
    settings: { 'moebius.model.id': MODEL, ...options.settings },
  });
  if (daemon) replaceDaemon(join(runFolder, 'profile/extensions'), daemon);
  layWorkspace(folder, files);
  mkdirSync(RESULTS, { recursive: true });
  const errors: string[] = [];
  const browser = await launchBrowser(chromium);
  const page = await openWorkbench(browser, server.url, folder, {
    onConsole(kind, text) {
      const isOurs = /moebius\.moebius|Content Security Policy/i.test(text);
      if ((kind === 'error' || kind === 'pageerror') && isOurs) errors.push(text);
    },
  });
  openPage = { page, name };
  // What is typed before the extension is active asks nobody for ghost text.
  await statusItem(page, 'Moebius').waitFor({ timeout: 120_000 });
  const read = (path: string) => readFileSync(join(folder, path), 'utf8');
  return {
    page,
    folder,
    serverPid: server.process.pid ?? 0,
    errors,
    read,
    async untilFile(path, isDone) {
      await until(() => isDone(read(path)), `${path} to change`);
      return read(path);
    },
    async screenshot(shot) {
      await page.waitForTimeout(FADE_MS);
      await page.screenshot({ path: join(RESULTS, `${shot}.png`) });
    },
    async screenshots(shot, again) {
      // Widgets fade in.
      await page.waitForTimeout(FADE_MS);
      await page.screenshot({ path: join(RESULTS, `${shot}-dark.png`) });
      await setTheme(page, 'light');
      await again?.();
      await page.waitForTimeout(FADE_MS);
      await page.screenshot({ path: join(RESULTS, `${shot}-light.png`) });
      await setTheme(page, 'dark');
    },
    async stop() {
      openPage = undefined;
      await browser.close();
      await server.stop();
    },
  };
}

function replaceDaemon(extensions: string, script: string): void {
  const ours = readdirSync(extensions).find(name => name.startsWith('moebius.moebius'));
  if (!ours) throw new Error(`The extension is not in ${extensions}.`);
  cpSync(script, join(extensions, ours, 'dist/daemon.js'));
}

function layWorkspace(folder: string, files: Record<string, string>): void {
  rmSync(folder, { recursive: true, force: true });
  cpSync(join(ROOT, 'test/fixtures/sample'), folder, { recursive: true });
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), text);
  }
  const identity = ['-c', 'user.name=Sample', '-c', 'user.email=sample@example.com'];
  const git = (...args: string[]) => execFileSync('git', [...identity, ...args], { cwd: folder });
  git('init', '-q');
  git('add', '-A');
  git('commit', '-qm', 'Add the sample');
}

export async function until(
  isDone: () => boolean | Promise<boolean>,
  what: string,
  ms = 30_000,
): Promise<void> {
  const deadline = performance.now() + ms;
  while (!(await isDone())) {
    if (performance.now() > deadline) throw new Error(`Waited ${ms / 1000} s for ${what}.`);
    await new Promise(resolve => setTimeout(resolve, 100));
  }
}

/** Processes below `pid` whose command line contains `text`. */
export function descendants(pid: number, text: string): number[] {
  const table = execFileSync('ps', ['-eo', 'pid=,ppid=,args='], { encoding: 'utf8' });
  const rows = table
    .trim()
    .split('\n')
    .map(line => line.trim().match(/^(\d+)\s+(\d+)\s+(.*)$/))
    .filter(match => match !== null)
    .map(match => ({ pid: Number(match[1]), parent: Number(match[2]), args: match[3] ?? '' }));
  const found = new Set([pid]);
  for (let size = 0; size !== found.size; ) {
    size = found.size;
    for (const row of rows) if (found.has(row.parent)) found.add(row.pid);
  }
  return rows
    .filter(row => row.pid !== pid && found.has(row.pid) && row.args.includes(text))
    .map(row => row.pid);
}

/** Opens the chat view on a new chat; returns the frame with our page in it. */
export async function openChat(page: Page): Promise<FrameLocator> {
  await runCommand(page, 'Moebius: New Chat');
  const chat = webview(page);
  await chat.getByTestId('input').waitFor({ timeout: 60_000 });
  // The daemon is asked for the models, so they come last: before them the page is not complete.
  const models = chat.getByTestId('model-picker').or(chat.getByTestId('download-offer'));
  await models.first().waitFor({ timeout: 60_000 });
  await chat.getByTestId('empty-state').waitFor();
  return chat;
}

export async function ask(page: Page, chat: FrameLocator, text: string): Promise<void> {
  await chat.getByTestId('input').click();
  await page.keyboard.type(text);
  await page.keyboard.press('Enter');
}

/** Waits for the end of the n-th answer (counted from 0) and returns its finish. */
export async function untilAnswered(chat: FrameLocator, index: number): Promise<string> {
  const answer = chat.getByTestId('answer').nth(index);
  await answer.and(chat.locator(':not([data-finish="writing"])')).waitFor({ timeout: MODEL_MS });
  return (await answer.getAttribute('data-finish')) ?? '';
}
