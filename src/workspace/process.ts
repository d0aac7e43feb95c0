/** Where processes begin: the commands of the agent, each a shell in a group of its own without input, and git that is asked about itself. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import { constants } from 'node:os';
import { dirname } from 'node:path';
import { addAbortSignal } from 'node:stream';
import { MoebiusError } from '../base/errors.ts';
import { type Descendant, descendantsOf, isStill } from './descendants.ts';

export interface ShellProcess {
  onData(listener: (chunk: Buffer) => void): void;
  /**
   * Once, when the shell itself is gone; programs that it started in the background may go on, and hold its output. What crashed has the
   * exit code that a shell gives it; what `kill` ended or could not be started has none.
   */
  onExit(listener: (exitCode: number | null) => void): void;
  /** Whether anything of its group runs, the shell or what it started. Windows has no groups: whether the shell does. */
  isAlive(): boolean;
  /** The shell and what it started. A second call does not wait for them to end by themselves. */
  kill(): void;
}

/** Between the request to end and the end by force. */
const GRACE_MS = 2000;
/** After the shell has ended, for what is still in the pipe, and for what ends with it. */
const DRAIN_MS = 150;
/** An index of a million files. */
const MAX_GIT_BYTES = 128 * 1024 * 1024;

/** Nothing that waits for a person, paints the screen or hides what it prints. */
const QUIET: NodeJS.ProcessEnv = {
  PAGER: 'cat',
  GIT_PAGER: 'cat',
  MANPAGER: 'cat',
  TERM: 'dumb',
  NO_COLOR: '1',
  CI: '1',
  GIT_TERMINAL_PROMPT: '0',
  GIT_EDITOR: 'true',
  PYTHONUNBUFFERED: '1',
  // cd would go to folders of these before those of the workspace.
  CDPATH: '',
  // git status would write the index, which runs a hook.
  GIT_OPTIONAL_LOCKS: '0',
};
/** As `git -c` would, for every git that a command starts, since git runs what a repository's own configuration says. */
const GIT_CONFIG = [
  // Any folder with files of certain names counts as a bare repository, and a clone may hold one.
  ['safe.bareRepository', 'explicit'],
  ['core.fsmonitor', 'false'],
  // Otherwise git may run itself in submodules that only a commit has.
  ['diff.submodule', 'short'],
  // git diff would write the index.
  ['diff.autoRefreshIndex', 'false'],
] as const;
/** What the editor sets for its own processes: it would turn the user's programs into parts of the editor. */
const OF_THE_EDITOR = /^(ELECTRON_|VSCODE_|NODE_OPTIONS$|GIT_ASKPASS$|SSH_ASKPASS$|MOEBIUS_)/;

/** What changes only what git answers: another file for `git config` than git reads, and another meaning of paths. */
const OF_QUESTIONS = /^GIT_(CONFIG|\w+_PATHSPECS)$/i;

/** Tells what belongs to a command wherever it went. */
const RUN = 'MOEBIUS_RUN';

/** Behind what the user's own environment sets so. */
function gitConfig(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const first = Number(env['GIT_CONFIG_COUNT']) || 0;
  const entries = GIT_CONFIG.flatMap(([key, value], index) => [
    [`GIT_CONFIG_KEY_${first + index}`, key],
    [`GIT_CONFIG_VALUE_${first + index}`, value],
  ]);
  return { ...Object.fromEntries(entries), GIT_CONFIG_COUNT: `${first + GIT_CONFIG.length}` };
}

function environment(): NodeJS.ProcessEnv {
  const inherited = Object.entries(process.env).filter(([name]) => !OF_THE_EDITOR.test(name));
  return { ...Object.fromEntries(inherited), ...QUIET, ...gitConfig(process.env) };
}

export interface GitQuestion {
  folder: string;
  signal: AbortSignal;
  /** Variables of the environment that git does not get. */
  without?: readonly string[];
}

/** git ran, and failed. */
export class GitFailed extends MoebiusError {
  readonly exitCode: number | null;

  constructor(exitCode: number | null) {
    super('unsupported', 'git does not say what it would read here');
    this.exitCode = exitCode;
  }
}

/**
 * What git prints of the repository in a folder, one character a byte, in the environment of commands.
 * @throws MoebiusError when git is missing or fails; the reason of the signal or an AbortError when that ends it.
 */
export async function* gitOutput(question: GitQuestion, ...args: string[]): AsyncGenerator<string> {
  const { folder, without = [] } = question;
  // Its own one: many are asked at once, and node takes many listeners of one for a leak.
  const signal = AbortSignal.any([question.signal]);
  const given = Object.entries(environment()).filter(
    ([name]) => !OF_QUESTIONS.test(name) && !without.includes(name.toUpperCase()),
  );
  const child = spawn('git', ['-C', folder, ...args], {
    // Windows looks for programs in the working folder first.
    cwd: dirname(process.execPath),
    env: Object.fromEntries(given),
    stdio: ['ignore', 'pipe', 'ignore'],
    windowsHide: true,
    signal,
  });
  const exit = new Promise<number | null>((resolve, reject) => {
    child.on('error', error => reject(notStarted(error)));
    child.on('close', resolve);
  });
  // Whoever has read enough does not wait for it.
  exit.catch(() => {});
  // What can't be started may have no output; why is told by its exit.
  if (!child.stdout) return void (await exit);
  let size = 0;
  for await (const chunk of addAbortSignal(signal, child.stdout.setEncoding('latin1'))) {
    size += chunk.length;
    if (size > MAX_GIT_BYTES) throw new MoebiusError('unsupported', 'git has too much to read here');
    yield chunk;
  }
  const exitCode = await exit;
  if (exitCode !== 0) throw new GitFailed(exitCode);
}

/** All that `gitOutput` has. */
export async function askGit(question: GitQuestion, ...args: string[]): Promise<string> {
  let said = '';
  for await (const chunk of gitOutput(question, ...args)) said += chunk;
  return said;
}

function notStarted(error: NodeJS.ErrnoException): Error {
  if (!error.syscall?.startsWith('spawn')) return error;
  const message = error.code === 'ENOENT' ? 'git is missing' : `git can't be started (${error.code})`;
  return new MoebiusError('unsupported', message);
}

/** @throws when the working folder is gone or the shell can't be started. */
export function startShell(command: string, cwd: string): ShellProcess {
  const [file, args] = shellFor(command);
  const run = randomUUID();
  const child = spawn(file, args, {
    cwd,
    env: { ...environment(), [RUN]: run },
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: process.platform !== 'win32',
    windowsHide: true,
    windowsVerbatimArguments: true,
  });
  let hasExited = false;
  let isKilled = false;
  let isForced = false;
  let isGone = false;
  child.once('exit', () => {
    hasExited = true;
  });
  // Once the group is gone its number may be another one's. What was killed by force and is still there waits for nobody but init.
  const isAlive = (): boolean => {
    isGone ||= hasExited && (isForced || !groupLives(child));
    return !isGone;
  };
  const outside: Descendant[] = [];
  const signalAll = (): void => {
    const signal = isKilled ? 'SIGKILL' : 'SIGTERM';
    if (isAlive()) {
      // Whose parent has ended is nobody's descendant, so they are noted before.
      if (child.pid !== undefined) outside.push(...descendantsOf(child.pid, `${RUN}=${run}`));
      signalTree(child, signal);
      isForced = isKilled;
      isKilled = true;
    }
    for (const one of outside.filter(isStill)) signalOne(one.pid, signal);
  };
  return {
    onData(listener) {
      child.stdout.on('data', listener);
      child.stderr.on('data', listener);
    },
    onExit(listener) {
      let isTold = false;
      const tell = (code: number | null, signal: NodeJS.Signals | null): void => {
        if (isTold) return;
        isTold = true;
        listener(code ?? (signal === null || isKilled ? null : 128 + constants.signals[signal]));
      };
      child.once('error', () => {
        isGone = true;
        tell(null, null);
      });
      child.once('close', (code, signal) => {
        if (!isAlive()) tell(code, signal);
      });
      child.once('exit', (code, signal) => setTimeout(tell, DRAIN_MS, code, signal));
    },
    isAlive,
    kill() {
      if (!isKilled) setTimeout(signalAll, GRACE_MS).unref();
      signalAll();
    },
  };
}

function shellFor(command: string): [string, string[]] {
  if (process.platform === 'win32') return ['cmd.exe', ['/d', '/s', '/c', `"${command}"`]];
  // Commands are judged as bash reads them; a plain sh is what there is on small systems.
  const bash = ['/bin/bash', '/usr/bin/bash', '/usr/local/bin/bash'].find(existsSync);
  return bash ? [bash, ['--noprofile', '--norc', '-c', command]] : ['/bin/sh', ['-c', command]];
}

function groupLives({ pid }: ChildProcess): boolean {
  if (pid === undefined || process.platform === 'win32') return false;
  try {
    return process.kill(-pid, 0);
  } catch {
    return false;
  }
}

/** Its whole group: what the shell started too, also after the shell itself has ended. */
function signalTree(child: ChildProcess, signal: NodeJS.Signals): void {
  if (child.pid === undefined) return;
  if (process.platform === 'win32') {
    spawnSync('taskkill', ['/pid', String(child.pid), '/t', '/f'], { windowsHide: true });
    return;
  }
  signalOne(-child.pid, signal);
}

/** A process, or a group by its negative number. */
function signalOne(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch {
    // It is gone.
  }
}
