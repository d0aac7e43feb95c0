/**
 * Child process: times the graphs of a converted model, every row of a run going through every layer (the engine spares the
 * last layer those that nobody wants). argv: folder, threads, folder of packed graphs or nothing. Prints JSON.
 */
import { join } from 'node:path';
import { Tensor } from 'onnxruntime-node';
import { attentionInputs, range } from '../../../src/engine/session/attention-inputs.ts';
import { GraphSession } from '../../../src/engine/session/graph-session.ts';
import { cacheLayouts, KvCache } from '../../../src/engine/session/kv-cache.ts';
import { readManifest } from '../../../src/models/manifest-file.ts';
import { readMemory } from '../process-memory.ts';
import { median } from '../statistics.ts';
import { CHUNK, CONTEXT } from './extrapolate.ts';

const STEPS = 24;

async function main(folder: string, threads: number, packed: string | null): Promise<void> {
  const began = performance.now();
  const { dims, graphs } = await readManifest(folder);
  const open = (name: 'body' | 'head') =>
    GraphSession.open(packed ? join(packed, `${name}.onnx`) : join(folder, graphs[name].onnx), threads);
  const [body, head] = [await open('body'), await open('head')];
  const loadMs = performance.now() - began;
  const cache = new KvCache(cacheLayouts(body.inputs), CONTEXT + 3 * CHUNK, dims.slidingWindow);
  let state = 1;
  const noise = () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) | 0;
    return state / 2 ** 31;
  };
  /** Milliseconds of `count` rows behind `at`. */
  const run = async (at: number, count: number): Promise<number> => {
    cache.truncate(at);
    cache.reserve(at + count);
    const x = Float32Array.from({ length: count * dims.hidden }, noise);
    const feeds = {
      ...cache.feeds(),
      x: new Tensor('float32', x, [count, dims.hidden]),
      ...attentionInputs(dims, cache, range(at, count), { first: 0, count }),
    };
    const start = performance.now();
    const output = await body.run(feeds);
    const ms = performance.now() - start;
    cache.append(output, count);
    return ms;
  };
  const project = async (): Promise<number> => {
    const hidden = new Tensor('float32', Float32Array.from({ length: dims.hidden }, noise), [1, dims.hidden]);
    const start = performance.now();
    await head.run({ hidden });
    return performance.now() - start;
  };

  const chunks: number[] = [];
  for (let at = 0; at < CONTEXT + 2 * CHUNK; at += CHUNK) chunks.push(await run(at, CHUNK));
  const steps: number[] = [];
  const projections: number[] = [];
  for (let i = 0; i < STEPS; i++) {
    steps.push(await run(CONTEXT + i, 1));
    projections.push(await project());
  }
  const figures = {
    loadMs,
    // The first touches pages that were never read.
    chunkMs: median(chunks.slice(1)),
    stepMs: median(steps),
    headMs: median(projections),
    memory: readMemory(process.pid),
  };
  process.stdout.write(`${JSON.stringify(figures)}\n`);
  await body.release();
  await head.release();
}

main(process.argv[2]!, Number(process.argv[3]), process.argv[4] ?? null).catch(error => {
  console.error(error);
  process.exitCode = 1;
});
