/** The only place that starts processes: the daemon, and the command line for long jobs such as model downloads. */
import { type ChildProcess, spawn } from 'node:child_process';
import { homedir } from 'node:os';
import { createInterface } from 'node:readline';
import { Readable, Writable } from 'node:stream';
import type { Disposable } from '../../base/disposable.ts';
import { Emitter } from '../../base/emitter.ts';
import { cancelled, MoebiusError, toMoebiusError } from '../../base/errors.ts';
import { withHugePages } from '../../base/huge-pages.ts';

/** Of stderr, kept for the reason that is shown when the process dies. */
const STDERR_TAIL_CHARS = 8000;
/** What a command that is cancelled may take to end by itself, which removes what it has half made; then it is killed. */
const TIDY_MS = 2000;
/** How long after `exit` the rest of stderr may take to arrive. */
const LAST_WORDS_MS = 200;

export interface ScriptOptions {
  /** Absolute path of a bundle, e.g. `dist/daemon.js`. */
  script: string;
  args?: string[];
  /** Added to the environment; `undefined` removes. */
  env?: Record<string, string | undefined>;
}

export interface ExitInfo {
  code: number | null;
  signal: NodeJS.Signals | null;
  /** The process could not be started at all. */
  spawnError?: Error;
}

export interface DaemonProcess {
  readonly pid: number | undefined;
  readonly stdin: Writable;
  readonly stdout: Readable;
  /** Resolves, never rejects, when the process is gone and its last words are in `stderrTail`. */
  readonly exited: Promise<ExitInfo>;
  onStderrLine(listener: (line: string) => void): Disposable;
  stderrTail(): string;
  kill(signal: 'SIGTERM' | 'SIGKILL'): void;
}

export function spawnDaemon(options: ScriptOptions): DaemonProcess {
  const started = spawnScript({ ...options, env: withHugePages({ ...options.env }) }, false);
  const { child, stdin, stdout, exited } = started;
  const lines = new Emitter<string>();
  const tail = keepTail(started.stderr, line => lines.fire(line));
  return {
    pid: child?.pid,
    stdin,
    stdout,
    exited,
    onStderrLine: lines.event,
    stderrTail: tail,
    kill: signal => void child?.kill(signal),
  };
}

/**
 * Runs a command line script to its end. Every line of its stdout that is JSON goes to `onMessage`. Rejects with
 * `cancelled` when `signal` aborts, once the process, which is given two seconds, and all its children are gone, and with
 * `internal`, in the words of its stderr, when it fails.
 */
export async function runCommand(
  options: ScriptOptions & { onMessage?(message: unknown): void; signal?: AbortSignal },
): Promise<void> {
  const { signal, onMessage } = options;
  if (signal?.aborted) throw cancelled();
  const { child, stdin, stdout, stderr, exited } = spawnScript(options, true);
  stdin.end();
  const tail = keepTail(stderr);
  createInterface({ input: stdout }).on('line', line => {
    const message = parseJson(line);
    if (message !== undefined) onMessage?.(message);
  });
  let deadline: NodeJS.Timeout | undefined;
  const onAbort = () => {
    // Windows ends a process in one way only.
    if (process.platform === 'win32') return killTree(child);
    child?.kill('SIGTERM');
    deadline = setTimeout(() => killTree(child), TIDY_MS);
  };
  signal?.addEventListener('abort', onAbort, { once: true });
  const exit = await exited;
  clearTimeout(deadline);
  signal?.removeEventListener('abort', onAbort);
  if (signal?.aborted) {
    // Children that outlived it.
    killTree(child);
    throw cancelled();
  }
  if (exit.spawnError)
    throw new MoebiusError('internal', exit.spawnError.message, { cause: exit.spawnError });
  if (exit.code !== 0) {
    throw new MoebiusError(
      'internal',
      tail().trim() || `The command ended with status ${exit.code ?? exit.signal}.`,
    );
  }
}

/** A process, or one that could not be started: that is told by `exited` alone, its streams are dead. */
interface Started {
  child: ChildProcess | null;
  stdin: Writable;
  stdout: Readable;
  stderr: Readable;
  exited: Promise<ExitInfo>;
}

/** `isGroup`: its own process group, so that it can be killed together with what it starts. Never throws. */
function spawnScript({ script, args = [], env = {} }: ScriptOptions, isGroup: boolean): Started {
  try {
    const child = spawn(process.execPath, [script, ...args], {
      env: { ...cleanEnvironment(process.env), ELECTRON_RUN_AS_NODE: '1', ...env },
      stdio: ['pipe', 'pipe', 'pipe'],
      // Not the extension's folder: on Windows a running process would keep an update from replacing it.
      cwd: homedir(),
      windowsHide: true,
      detached: isGroup && process.platform !== 'win32',
    });
    const exited = exitOf(child);
    const { stdin, stdout, stderr } = child;
    // There are none when the editor has no file descriptor left; the error comes later.
    if (!stdin || !stdout || !stderr) return { child, ...deadStreams(), exited };
    return { child, stdin, stdout, stderr, exited };
  } catch (error) {
    // Some reasons are emitted, others thrown: no memory, a script that is being replaced, a refusal by Windows.
    const exit = { code: null, signal: null, spawnError: toMoebiusError(error) };
    return { child: null, ...deadStreams(), exited: Promise.resolve(exit) };
  }
}

const deadStreams = (): Pick<Started, 'stdin' | 'stdout' | 'stderr'> => ({
  stdin: new Writable({ write: (_chunk, _encoding, done) => done() }),
  stdout: Readable.from([]),
  stderr: Readable.from([]),
});

/** VSCODE_* and NODE_OPTIONS steer the extension host's own process (debugger, crash reporter, IPC), not ours. */
export function cleanEnvironment(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return Object.fromEntries(
    Object.entries(env).filter(([name]) => !name.startsWith('VSCODE_') && name !== 'NODE_OPTIONS'),
  );
}

function exitOf(child: ChildProcess): Promise<ExitInfo> {
  return new Promise(resolve => {
    child.once('error', spawnError => resolve({ code: null, signal: null, spawnError }));
    child.once('close', (code, signal) => resolve({ code, signal }));
    child.once('exit', (code, signal) => setTimeout(() => resolve({ code, signal }), LAST_WORDS_MS));
  });
}

function keepTail(stream: Readable, onLine?: (line: string) => void): () => string {
  let tail = '';
  createInterface({ input: stream }).on('line', line => {
    tail = `${tail}${line}\n`.slice(-STDERR_TAIL_CHARS);
    onLine?.(line);
  });
  return () => tail;
}

function killTree(child: ChildProcess | null): void {
  if (child?.pid === undefined) return;
  if (process.platform === 'win32') {
    if (child.exitCode !== null) return;
    spawn('taskkill', ['/pid', String(child.pid), '/T', '/F'], { windowsHide: true });
    return;
  }
  try {
    process.kill(-child.pid, 'SIGKILL');
  } catch {
    // The group is gone already.
  }
}

function parseJson(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return undefined;
  }
}
