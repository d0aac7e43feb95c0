/** Few, timed lines on the terminal, and child processes whose output is shown only when they fail. */
import { type SpawnOptions, spawn } from 'node:child_process';
import { join } from 'node:path';

export const ROOT = join(__dirname, '..');

/** A failure that a person can act on: printed without a stack trace. */
export class ScriptError extends Error {}

export const seconds = (sinceMs: number): string => `${((performance.now() - sinceMs) / 1000).toFixed(1)} s`;

/** Runs one step and prints its name and duration when it is over; a step that returns a string adds it as a note. */
export async function step<T>(title: string, work: () => Promise<T>): Promise<T> {
  const startMs = performance.now();
  if (process.stdout.isTTY) process.stdout.write(`  ${title} ...`);
  try {
    const result = await work();
    const note = typeof result === 'string' && result ? `: ${result}` : '';
    endLine(`✓ ${title}${note} (${seconds(startMs)})`);
    return result;
  } catch (error) {
    endLine(`✗ ${title} (${seconds(startMs)})`);
    throw error;
  }
}

function endLine(text: string): void {
  process.stdout.write(`${process.stdout.isTTY ? '\r\x1b[K' : ''}${text}\n`);
}

export interface RunOptions {
  cwd?: string;
  env?: NodeJS.ProcessEnv;
  /** Let the child write to our terminal (progress bars) in place of collecting its output. */
  show?: boolean;
}

/** Runs a program to its end. Returns its stdout; a non-zero exit is a ScriptError with the last lines of its output. */
export async function run(command: string, args: string[], options: RunOptions = {}): Promise<string> {
  const spawnOptions: SpawnOptions = {
    cwd: options.cwd ?? ROOT,
    env: options.env ?? childEnvironment(),
    stdio: options.show ? 'inherit' : ['ignore', 'pipe', 'pipe'],
  };
  const child = needsShell(command)
    ? spawn(shellLine(command, args), { ...spawnOptions, shell: true })
    : spawn(command, args, spawnOptions);
  let stdout = '';
  let tail = '';
  child.stdout?.on('data', (chunk: Buffer) => {
    stdout += chunk;
    tail = (tail + chunk).slice(-4000);
  });
  child.stderr?.on('data', (chunk: Buffer) => {
    tail = (tail + chunk).slice(-4000);
  });
  const code = await new Promise<number | null>((resolve, reject) => {
    child.once('error', error => reject(new ScriptError(`Cannot run ${command}: ${error.message}`)));
    child.once('close', resolve);
  });
  if (code !== 0) {
    const shown = [command.replace(`${ROOT}/`, ''), ...args].join(' ');
    throw new ScriptError(`"${shown}" ended with ${code ?? 'a signal'}.\n${indent(tail.trim())}`);
  }
  return stdout;
}

/** Batch files, such as npm and VS Code's `code`, are run by Windows' shell. */
const needsShell = (command: string): boolean =>
  process.platform === 'win32' && !command.toLowerCase().endsWith('.exe');

/** For Windows' shell, which cuts what is not quoted at its blanks and takes `&` and the like for its own. */
export const shellLine = (command: string, args: readonly string[]): string =>
  [command, ...args].map(part => (/^[\w@.:/\\+-]+$/.test(part) ? part : `"${part}"`)).join(' ');

const indent = (text: string): string =>
  text
    .split('\n')
    .slice(-25)
    .map(line => `    ${line}`)
    .join('\n');

/**
 * Our environment for a child that may itself be npm: what `npm start` exports about *this* package would
 * otherwise redirect an npm that runs in another folder.
 */
export function childEnvironment(extra: NodeJS.ProcessEnv = {}): NodeJS.ProcessEnv {
  const isOurs = (name: string) =>
    /^npm_(package|lifecycle|config_(local_prefix|prefix|ignore_scripts))/.test(name);
  const kept = Object.entries(process.env).filter(([name]) => !isOurs(name));
  return { ...Object.fromEntries(kept), ...extra };
}

/** Is a program on PATH? Returns its full path. */
export async function findProgram(...names: string[]): Promise<string | undefined> {
  const finder = process.platform === 'win32' ? 'where' : 'which';
  for (const name of names) {
    const found = await run(finder, [name]).catch(() => '');
    if (found.trim()) return runnable(found.trim().split(/\r?\n/));
  }
  return undefined;
}

/** Of the paths of a program the one to run: on Windows a script for other shells may stand before the batch file. */
export const runnable = (paths: readonly string[]): string | undefined =>
  paths.find(path => /\.(?:exe|cmd|bat)$/i.test(path)) ?? paths[0];

/** The end of a script: an expected failure is told in words, exit code 1. */
export function main(work: () => Promise<number | undefined>): void {
  work().then(
    code => process.exit(code ?? 0),
    error => {
      console.error(error instanceof ScriptError ? `\n${error.message}` : error);
      process.exit(1);
    },
  );
}
