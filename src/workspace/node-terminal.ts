/** Runs the agent's commands: with a time limit after which they go on in the background, and output that can be paged. */
import type { CommandPage, CommandRequest, CommandRun, TerminalPort } from '../agent/ports.ts';
import { MoebiusError } from '../base/errors.ts';
import type { WorkspaceFolders } from './folders.ts';
import { OutputStore } from './output-store.ts';
import { type ShellProcess, startShell } from './process.ts';

/** What a shell left behind tells nobody when it ends. */
const LOOK_MS = 300;
/** The output of older commands is forgotten. */
const MAX_KEPT = 20;
/** A program that prints more than this does not stop by itself. */
const MAX_OUTPUT_BYTES = 256 * 1024 * 1024;

interface Run {
  id: string;
  command: string;
  state: CommandRun['state'];
  exitCode: number | null;
  output: OutputStore;
  shell: ShellProcess;
  /** The shell is gone. */
  exited: Promise<void>;
  /** So is what it started. */
  ended: Promise<void>;
}

export class NodeTerminal implements TerminalPort {
  readonly #folders: WorkspaceFolders;
  readonly #maxOutputBytes: number;
  readonly #runs = new Map<string, Run>();
  #count = 0;

  constructor(folders: WorkspaceFolders, maxOutputBytes = MAX_OUTPUT_BYTES) {
    this.#folders = folders;
    this.#maxOutputBytes = maxOutputBytes;
  }

  async run(request: CommandRequest): Promise<CommandRun> {
    const cwd = await this.#folders.resolve(request.cwd || '.');
    if (!cwd.exists) throw new MoebiusError('not-found', `The folder ${request.cwd} does not exist.`);
    if (request.signal?.aborted)
      throw new MoebiusError('cancelled', 'The command was stopped before it began.');
    const run = this.#start(request, cwd.real);
    const abort = (): void => this.#end(run);
    request.signal?.addEventListener('abort', abort, { once: true });
    let timer: NodeJS.Timeout | undefined;
    const timeUp = new Promise<void>(resolve => {
      timer = setTimeout(resolve, request.timeoutMs);
    });
    await Promise.race([run.exited, timeUp]);
    clearTimeout(timer);
    // What goes on in the background is ended with its task all the same.
    void run.ended.then(() => request.signal?.removeEventListener('abort', abort));
    return { id: run.id, state: run.state, exitCode: run.exitCode, output: run.output.text() };
  }

  page(id: string, fromLine: number, lines: number): CommandPage {
    const { state, exitCode, output } = this.#find(id);
    return { state, exitCode, text: output.page(fromLine, lines), totalLines: output.totalLines };
  }

  /** What was started and has not ended, oldest first. */
  running(): { id: string; command: string }[] {
    return [...this.#runs.values()]
      .filter(({ state }) => state === 'running')
      .map(({ id, command }) => ({ id, command }));
  }

  async kill(id: string): Promise<void> {
    const run = this.#find(id);
    this.#end(run);
    await run.ended;
  }

  /** Ends everything that still runs. */
  dispose(): void {
    for (const run of this.#runs.values()) {
      this.#end(run);
      run.shell.kill();
    }
  }

  #find(id: string): Run {
    const run = this.#runs.get(id);
    if (run) return run;
    const known = [...this.#runs.keys()].join(', ') || 'none';
    throw new MoebiusError('not-found', `There is no command ${id}. Known: ${known}.`);
  }

  #start(request: CommandRequest, cwd: string): Run {
    const shell = startShell(request.command, cwd);
    const id = `c${++this.#count}`;
    const output = new OutputStore(line => request.onOutput?.(`${line}\n`));
    const { command } = request;
    const run: Run = {
      id,
      command,
      state: 'running',
      exitCode: null,
      output,
      shell,
      exited: Promise.resolve(),
      ended: Promise.resolve(),
    };
    shell.onData(chunk => {
      if (run.state === 'killed') return;
      output.write(chunk);
      if (output.sizeBytes <= this.#maxOutputBytes) return;
      output.write(Buffer.from(`\n[stopped after ${this.#maxOutputBytes} bytes of output]\n`));
      this.#end(run);
    });
    run.exited = new Promise(hasExited => {
      run.ended = new Promise(hasEnded => {
        const endOnceGone = (): void => {
          if (shell.isAlive()) {
            setTimeout(endOnceGone, LOOK_MS);
            return;
          }
          output.end();
          if (run.state === 'running') run.state = 'exited';
          hasEnded();
        };
        shell.onExit(exitCode => {
          if (run.state === 'running') run.exitCode = exitCode;
          endOnceGone();
          hasExited();
        });
      });
    });
    this.#runs.set(id, run);
    this.#forget();
    return run;
  }

  /** What is killed has no exit code, whatever its shell says. */
  #end(run: Run): void {
    if (run.state === 'running') {
      run.state = 'killed';
      run.exitCode = null;
    }
    run.shell.kill();
  }

  #forget(): void {
    for (const run of this.#runs.values()) {
      if (this.#runs.size <= MAX_KEPT) return;
      if (run.state !== 'running') this.#runs.delete(run.id);
    }
  }
}
