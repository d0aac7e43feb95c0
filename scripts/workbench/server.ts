/** Starts and stops one code-server with a profile folder of its own, so that no run sees the traces of another. */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdirSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { childEnvironment, run, ScriptError } from '../steps.ts';
import type { Workbench } from './install.ts';

/** Nothing that pops up, asks or looks for the network. */
const SETTINGS = {
  'workbench.colorTheme': 'Dark Modern',
  'workbench.startupEditor': 'none',
  'workbench.welcomePage.walkthroughs.openOnInstall': false,
  'workbench.tips.enabled': false,
  'workbench.enableExperiments': false,
  'workbench.settings.enableNaturalLanguageSearch': false,
  'workbench.secondarySideBar.defaultVisibility': 'hidden',
  'telemetry.telemetryLevel': 'off',
  // As on the desktop; in a browser files are saved by themselves.
  'files.autoSave': 'off',
  'update.mode': 'none',
  'update.showReleaseNotes': false,
  'extensions.autoUpdate': false,
  'extensions.autoCheckUpdates': false,
  'extensions.ignoreRecommendations': true,
  'git.openRepositoryInParentFolders': 'never',
  'window.confirmBeforeClose': 'never',
  'window.dialogStyle': 'custom',
  'editor.accessibilitySupport': 'off',
};

export interface ServerOptions {
  /** The profile folder: emptied, then holds settings, extensions and logs. */
  folder: string;
  /** Packages to install into the profile. */
  vsix: string[];
  settings?: Record<string, unknown>;
  env?: NodeJS.ProcessEnv;
  /** Ask whether the folder is trusted, as VS Code does; without it every folder is. */
  workspaceTrust?: boolean;
  /** Take tests to run inside the extension host from the page's address (VS Code's smoke-test driver). */
  extensionTests?: boolean;
}

export interface WorkbenchServer {
  url: string;
  port: number;
  process: ChildProcess;
  /** Text of the log that the extension host or the server wrote, for failures. */
  log(): string;
  stop(): Promise<void>;
}

export async function startServer(workbench: Workbench, options: ServerOptions): Promise<WorkbenchServer> {
  writeProfile(options);
  const { folder } = options;
  const profile = ['--config', join(folder, 'config.yaml')];
  profile.push('--user-data-dir', join(folder, 'data'), '--extensions-dir', join(folder, 'extensions'));
  const env = { ...serverEnvironment(folder), ...options.env };
  for (const vsix of options.vsix) {
    await run(workbench.node, [workbench.entry, ...profile, '--install-extension', vsix, '--force'], { env });
  }

  const port = await freePort();
  const flags = ['--auth', 'none', '--bind-addr', `127.0.0.1:${port}`, '--disable-telemetry'];
  flags.push('--disable-update-check', '--disable-getting-started-override');
  // A server whose starter was killed ends by itself. 60 s is the least it takes.
  flags.push('--idle-timeout-seconds', '300');
  if (!options.workspaceTrust) flags.push('--disable-workspace-trust');
  if (options.extensionTests) flags.push('--vscode-option', 'enable-smoke-test-driver');
  const logFile = join(folder, 'server.log');
  const output = openSync(logFile, 'w');
  const child = spawn(workbench.node, [workbench.entry, ...profile, ...flags], {
    env,
    stdio: ['ignore', output, output],
  });
  const log = () => readFileSync(logFile, 'utf8');
  const url = `http://127.0.0.1:${port}`;
  await untilHealthy(url, child, log);
  return { url, port, process: child, log, stop: () => stop(child) };
}

function writeProfile({ folder, settings, workspaceTrust }: ServerOptions): void {
  rmSync(folder, { recursive: true, force: true });
  for (const name of ['data/User', 'data/Machine', 'extensions', 'home'])
    mkdirSync(join(folder, name), { recursive: true });
  const trust = { 'security.workspace.trust.enabled': workspaceTrust ?? false };
  writeFileSync(join(folder, 'data/User/settings.json'), JSON.stringify({ ...SETTINGS, ...trust }, null, 2));
  // The server counts as a remote machine: settings with machine scope are read from this file only.
  writeFileSync(join(folder, 'data/Machine/settings.json'), JSON.stringify(settings ?? {}, null, 2));
  writeFileSync(join(folder, 'config.yaml'), 'auth: none\n');
}

/** A home of its own keeps the user's files out of it; the model store stays the user's. No gallery, no look-ups. */
function serverEnvironment(folder: string): NodeJS.ProcessEnv {
  const home = join(folder, 'home');
  return childEnvironment({
    HOME: home,
    XDG_CONFIG_HOME: join(home, '.config'),
    XDG_DATA_HOME: join(home, '.local/share'),
    XDG_CACHE_HOME: join(home, '.cache'),
    SHELL: '/bin/bash',
    MOEBIUS_HOME: modelStore(),
    EXTENSIONS_GALLERY: JSON.stringify({ serviceUrl: '', itemUrl: '', resourceUrlTemplate: '' }),
  });
}

export const modelStore = (): string => process.env.MOEBIUS_HOME || join(homedir(), '.moebius');

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer().once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => resolve(typeof address === 'object' && address ? address.port : 0));
    });
  });
}

async function untilHealthy(url: string, child: ChildProcess, log: () => string): Promise<void> {
  const deadline = performance.now() + 60_000;
  while (performance.now() < deadline && child.exitCode === null) {
    const isUp = await fetch(`${url}/healthz`).then(
      response => response.ok,
      () => false,
    );
    if (isUp) return;
    await new Promise(resolve => setTimeout(resolve, 100));
  }
  child.kill('SIGKILL');
  throw new ScriptError(`The workbench server did not start:\n${log().slice(-2000)}`);
}

function stop(child: ChildProcess): Promise<void> {
  return new Promise(resolve => {
    if (child.exitCode !== null || child.signalCode !== null) return resolve();
    const force = setTimeout(() => child.kill('SIGKILL'), 10_000);
    child.once('exit', () => {
      clearTimeout(force);
      resolve();
    });
    child.kill('SIGTERM');
  });
}
