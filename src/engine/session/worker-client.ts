/** The engine's end of the worker thread: typed requests, and every pending one fails the moment the worker is gone. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { MoebiusError } from '../../base/errors.ts';
import type { WorkerMethods, WorkerReply, WorkerRequest } from './wire.ts';

interface Pending {
  resolve(result: never): void;
  reject(error: Error): void;
}

export class WorkerClient {
  readonly #worker: Worker;
  readonly #pending = new Map<number, Pending>();
  #nextId = 1;
  #gone: MoebiusError | null = null;
  /** Progress of `load`. */
  onProgress: ((percent: number) => void) | null = null;

  constructor() {
    this.#worker = startWorker();
    this.#worker.stdout.pipe(process.stderr, { end: false });
    this.#worker.on('message', (reply: WorkerReply) => this.#settle(reply));
    this.#worker.on('error', cause =>
      this.#fail(new MoebiusError('internal', `The model's thread failed: ${cause}`)),
    );
    this.#worker.on('exit', () => this.#fail(new MoebiusError('internal', "The model's thread has ended.")));
  }

  request<M extends keyof WorkerMethods>(method: M, args: WorkerMethods[M][0]): Promise<WorkerMethods[M][1]> {
    if (this.#gone) return Promise.reject(this.#gone);
    const request: WorkerRequest<M> = { id: this.#nextId++, method, args };
    return new Promise((resolve, reject) => {
      this.#pending.set(request.id, { resolve, reject });
      this.#worker.postMessage(request);
    });
  }

  /**
   * Ends the thread. Not while it is in the runtime, which would take the process with it: what was asked for must have
   * been answered.
   */
  async terminate(): Promise<void> {
    await this.#worker.terminate();
  }

  #settle(reply: WorkerReply): void {
    if ('percent' in reply) {
      this.onProgress?.(reply.percent);
      return;
    }
    const pending = this.#pending.get(reply.id);
    this.#pending.delete(reply.id);
    if ('error' in reply) pending?.reject(new MoebiusError(reply.error.code, reply.error.message));
    else pending?.resolve(reply.result as never);
  }

  #fail(error: MoebiusError): void {
    this.#gone ??= error;
    for (const pending of this.#pending.values()) pending.reject(this.#gone);
    this.#pending.clear();
  }
}

/** The bundle next to this one; when the sources run unbundled (tests), the source file through the same loader. */
function startWorker(): Worker {
  const bundle = join(__dirname, 'engine-worker.js');
  // `stdout`: what the thread prints must not reach the process's stdout, which carries JSON-RPC.
  if (existsSync(bundle)) return new Worker(bundle, { stdout: true });
  return new Worker(join(__dirname, 'worker.ts'), { stdout: true, execArgv: ['--require', 'tsx/cjs'] });
}
