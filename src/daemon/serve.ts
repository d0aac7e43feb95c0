/** The daemon as a process: its streams, its exit statuses, and the watch on the client it belongs to. */
import { monotonicClock } from '../base/clock.ts';
import type { InitializeParams } from '../protocol/daemon.ts';
import { EXIT } from '../protocol/exit-codes.ts';
import { createServer, type ServerOptions } from './server.ts';
import { takeStdout } from './stdio.ts';

/** The client's end of stdin closes when it dies; this poll is for the case that something else holds it open. */
const PARENT_POLL_MS = 3000;

export type ServeOptions = Pick<
  ServerOptions,
  'store' | 'loadEngine' | 'openPages' | 'threads' | 'selfTest' | 'about'
> & {
  process: NodeJS.Process;
};

/** Serves one client over the process' stdio until one of them ends. */
export function serve({ process, ...parts }: ServeOptions): void {
  const output = takeStdout(process.stdout, process.stderr);
  let parentPid = process.ppid;

  /**
   * Ends the process without waiting. `process.exit` joins worker threads, and a worker inside a native run cannot be
   * interrupted, so once there was one a signal ends the process. Not SIGKILL: a client that is still there would take that
   * for the system's, which is short of memory.
   */
  let hasWorker = false;
  const endNow = (status: number) => {
    if (hasWorker) process.kill(process.pid, 'SIGTERM');
    process.exit(status);
  };

  const server = createServer({
    ...parts,
    input: process.stdin,
    output,
    clock: monotonicClock,
    async loadEngine(options) {
      hasWorker = true;
      return parts.loadEngine(options);
    },
    async selfTest(signal) {
      hasWorker = true;
      return parts.selfTest(signal);
    },
    onInitialized: (client: InitializeParams) => {
      parentPid = client.parentPid ?? parentPid;
    },
    onShutdown: () => {
      output.write('', () => process.exit(EXIT.ok));
    },
    onClose: reason => {
      process.stderr.write(`${reason.message}\n`);
      endNow(reason.code === 'format-invalid' ? EXIT.brokenConnection : EXIT.clientGone);
    },
  });

  setInterval(() => {
    if (!isAlive(process, parentPid)) endNow(EXIT.clientGone);
  }, PARENT_POLL_MS).unref();
  process.on('unhandledRejection', reason => server.log('error', `Unhandled rejection: ${describe(reason)}`));
  process.on('uncaughtException', error => {
    process.stderr.write(`Uncaught exception: ${describe(error)}\n`, () => process.exit(EXIT.uncaught));
  });
}

function isAlive(process: NodeJS.Process, pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

function describe(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}
