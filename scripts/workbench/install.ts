/**
 * A real VS Code workbench from npm: code-server (VS Code's server, its web workbench and its Node extension host)
 * plus the Node 24 that it needs, as the package `node-<platform>`. Installed once per version into the user's cache
 * folder, without touching the system's Node. Desktop VS Code cannot be had from a package registry.
 */
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { childEnvironment, findProgram, run, ScriptError } from '../steps.ts';
import { aptInstall } from './debian.ts';

const CODE_SERVER = '4.139.1';
const NODE = '24.21.0';
/** Raised when what is installed changes, so that an older installation is not taken for it. */
const REVISION = 2;
const QUIET = ['--no-audit', '--no-fund', '--loglevel=error'];

/**
 * Dependencies of features that are never started here; most would need compiling. Half of the installed size.
 * The Git extension needs fs-copyfile.
 */
const UNUSED = [
  '@github/copilot-sdk',
  '@microsoft/mxc-sdk',
  '@vscode/sqlite3',
  '@devcontainers/cli',
  'kerberos',
  'ssh2',
  '@vscode/windows-process-tree',
  '@vscode/windows-registry',
  '@vscode/sandbox-runtime',
];

export interface Workbench {
  /** Node 24, which runs the server and so is the extension host's `process.execPath`. */
  node: string;
  /** code-server's entry script. */
  entry: string;
}

export const cacheFolder = (): string =>
  join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'moebius');

/** Installs the workbench if that has not been done, 30-60 s. */
export async function installWorkbench(): Promise<Workbench> {
  if (process.platform !== 'linux' || !['x64', 'arm64'].includes(process.arch)) {
    throw new ScriptError(
      `The browser workbench runs on Linux only (this is ${process.platform}-${process.arch}). ` +
        'Install VS Code, make its "code" command available and run npm start again.',
    );
  }
  const folder = join(cacheFolder(), `code-server-${CODE_SERVER}-node-${NODE}-${REVISION}`);
  if (!existsSync(folder)) {
    const partial = `${folder}.partial-${process.pid}`;
    rmSync(partial, { recursive: true, force: true });
    await installInto(partial);
    // Renamed only when whole, so that an interrupted installation is never taken for one.
    if (!existsSync(folder)) renameSync(partial, folder);
  }
  const modules = join(folder, 'node_modules');
  return {
    node: join(modules, nodePackage(), 'bin/node'),
    entry: join(modules, 'code-server/out/node/entry.js'),
  };
}

const nodePackage = (): string => `node-linux-${process.arch}`;

async function installInto(folder: string): Promise<void> {
  mkdirSync(folder, { recursive: true });
  const dependencies = { [nodePackage()]: NODE, 'code-server': CODE_SERVER };
  writeFileSync(join(folder, 'package.json'), JSON.stringify({ private: true, dependencies }));
  // Without scripts: code-server's own postinstall insists on Node 24 and compiles ten modules that are not needed.
  await npm(['install', '--ignore-scripts'], folder);

  const vscode = join(folder, 'node_modules/code-server/lib/vscode');
  dropUnusedDependencies(vscode);
  await npm(['install', '--omit=dev', '--ignore-scripts'], vscode);
  // TypeScript, for the built-in language features: without it there are no diagnostics to fix.
  await npm(['install', '--omit=dev', '--ignore-scripts'], join(vscode, 'extensions'));
  await buildNativeModules(join(folder, 'node_modules', nodePackage()), vscode);
}

function dropUnusedDependencies(vscode: string): void {
  const file = join(vscode, 'package.json');
  const manifest = JSON.parse(readFileSync(file, 'utf8'));
  for (const name of UNUSED) delete manifest.dependencies?.[name];
  writeFileSync(file, JSON.stringify(manifest, null, 2));
}

/** spdlog writes every log file and output channel; native-watchdog ends the extension host with its server. */
async function buildNativeModules(node: string, vscode: string): Promise<void> {
  if (!(await findProgram('g++')) || !(await findProgram('make')) || !(await findProgram('python3'))) {
    await aptInstall('build-essential', 'python3');
  }
  const env = childEnvironment({
    PATH: `${join(node, 'bin')}:${process.env.PATH}`,
    npm_config_nodedir: node,
    npm_config_ignore_scripts: 'false',
    JOBS: '2',
  });
  await npm(['rebuild', '@vscode/spdlog', '@vscode/native-watchdog'], vscode, env);
  rmSync(join(vscode, 'node_modules/@vscode/spdlog/build/Release/obj.target'), {
    recursive: true,
    force: true,
  });
}

const npm = (args: string[], cwd: string, env = childEnvironment()): Promise<string> =>
  run('npm', [...args, ...QUIET], { cwd, env });
