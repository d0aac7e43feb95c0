/** The engine's end of one grammar thread: typed requests, each with a time limit, and every pending one fails with it. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { Deferred } from '../../base/deferred.ts';
import { MoebiusError } from '../../base/errors.ts';
import type { GrammarMethods, GrammarReply } from './wire.ts';

/** What the library refused, in its words. */
export class Refusal extends Error {}
export class TookTooLong extends Error {}

export class GrammarThread {
  readonly #worker: Worker;
  /** In the order of the requests, which is that of the replies. */
  readonly #pending: Deferred<unknown>[] = [];
  #gone: Error | null = null;

  constructor() {
    this.#worker = startWorker();
    this.#worker.stdout.pipe(process.stderr, { end: false });
    this.#worker.on('message', (reply: GrammarReply) => {
      const pending = this.#pending.shift();
      if ('error' in reply) pending?.reject(new Refusal(reply.error));
      else pending?.resolve(reply.result);
    });
    const failed = (why: string) => this.#fail(new MoebiusError('internal', `The grammar thread ${why}.`));
    this.#worker.on('error', cause => failed(`failed: ${cause}`));
    this.#worker.on('exit', () => failed('has ended'));
    // A program that is done need not end it; while a request runs, its timer keeps the program alive. Listening refs again.
    this.#worker.unref();
  }

  get isGone(): boolean {
    return this.#gone !== null;
  }

  /** Throws Refusal, TookTooLong (the thread has ended then) or MoebiusError `internal`. */
  async request<M extends keyof GrammarMethods>(
    method: M,
    args: GrammarMethods[M][0],
    limitMs: number,
  ): Promise<GrammarMethods[M][1]> {
    if (this.#gone) throw this.#gone;
    const pending = new Deferred<unknown>();
    this.#pending.push(pending);
    const timer = setTimeout(() => this.end(new TookTooLong()), limitMs);
    this.#worker.postMessage({ method, args });
    try {
      return (await pending.promise) as GrammarMethods[M][1];
    } finally {
      clearTimeout(timer);
    }
  }

  /** Ends the thread; what it still works on fails with `reason`. */
  end(reason: Error = new MoebiusError('internal', 'The grammar thread has ended.')): void {
    this.#fail(reason);
    void this.#worker.terminate();
  }

  #fail(error: Error): void {
    this.#gone ??= error;
    for (const pending of this.#pending.splice(0)) pending.reject(error);
  }
}

/** The bundle next to this one; when the sources run unbundled (tests), the source file through the same loader. */
function startWorker(): Worker {
  const bundle = join(__dirname, 'grammar-worker.js');
  // `stdout`: what the thread prints must not reach the process's stdout, which carries JSON-RPC.
  if (existsSync(bundle)) return new Worker(bundle, { stdout: true });
  return new Worker(join(__dirname, 'worker.ts'), { stdout: true, execArgv: ['--require', 'tsx/cjs'] });
}
