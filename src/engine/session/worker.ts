/**
 * The worker thread's main file (bundle dist/engine-worker.js). onnxruntime blocks the thread that calls it, so sessions
 * live here, and the daemon's thread stays free to answer. Requests are done one at a time, in order.
 */
import { parentPort } from 'node:worker_threads';
import { env } from 'onnxruntime-node';
import { MoebiusError, toMoebiusError } from '../../base/errors.ts';
import { probeKernel } from './kernel-probe.ts';
import { ModelRunner } from './model-runner.ts';
import { packGraphs } from './pack-graphs.ts';
import { throwIfStopped } from './stop-flag.ts';
import { areTokenProductsExact } from './token-product-check.ts';
import type { WorkerMethods, WorkerReply, WorkerRequest } from './wire.ts';

const port = parentPort!;
let model: ModelRunner | null = null;

type Handlers = { [M in keyof WorkerMethods]: (args: WorkerMethods[M][0]) => Promise<WorkerMethods[M][1]> };

const handlers: Handlers = {
  async load({ stop, ...args }) {
    throwIfStopped(stop);
    model = await ModelRunner.load(args, percent => {
      throwIfStopped(stop);
      post({ percent });
    });
    return { runtimeVersion: env.versions.node ?? 'unknown' };
  },
  async forward(args) {
    return loaded().forward(args);
  },
  async export(args) {
    return { blocks: loaded().exportRows(args) };
  },
  async import(args) {
    return loaded().importRows(args);
  },
  async experts() {
    return { histogram: loaded().expertHistogram() };
  },
  async drop({ sequence }) {
    model?.drop(sequence);
    return {};
  },
  async close() {
    await model?.release();
    model = null;
    return {};
  },
  async pack(args) {
    await packGraphs(args);
    return {};
  },
  async exact() {
    return { areExact: await areTokenProductsExact() };
  },
  async probe(args) {
    return { speed: await probeKernel(args) };
  },
};

function loaded(): ModelRunner {
  if (!model) throw new MoebiusError('model-missing', 'No model is loaded.');
  return model;
}

function post(reply: WorkerReply): void {
  port.postMessage(reply, 'result' in reply ? moved(reply.result) : []);
}

/** Large parts of a result, which are handed over instead of copied. */
function moved(result: WorkerMethods[keyof WorkerMethods][1]): ArrayBuffer[] {
  if ('blocks' in result) return result.blocks.map(({ data }) => data.buffer as ArrayBuffer);
  return 'logits' in result && result.logits ? [result.logits.buffer as ArrayBuffer] : [];
}

let last: Promise<void> = Promise.resolve();
port.on('message', (request: WorkerRequest) => {
  last = last.then(async () => {
    try {
      // One method's arguments with the same method's handler: a pairing that the type system can't follow.
      const handler = handlers[request.method] as (
        args: unknown,
      ) => Promise<WorkerMethods[keyof WorkerMethods][1]>;
      post({ id: request.id, result: await handler(request.args) });
    } catch (error) {
      const { code, message } = toMoebiusError(error);
      post({ id: request.id, error: { code, message } });
    }
  });
});
