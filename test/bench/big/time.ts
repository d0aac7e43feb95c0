/**
 * Child process: times runs of a converted model's body. argv: folder, threads, folder of packed
 * graphs or nothing. Prints JSON.
 */
import { ModelRunner } from '../../../src/engine/session/model-runner.ts';
import { readManifest } from '../../../src/models/manifest-file.ts';
import { readMemory } from '../process-memory.ts';
import { median } from '../statistics.ts';

const CONTEXT = 512;
const CHUNK = 256;
const STEPS = 24;

async function main(folder: string, threads: number, packed: string | null): Promise<void> {
  const began = performance.now();
  const manifest = await readManifest(folder);
  const options = { folder, manifest, contextTokens: 2048, threads, packed };
  const runner = await ModelRunner.load(options, () => {});
  const loadMs = performance.now() - began;
  let next = 1;
  const tokens = (count: number) =>
    Array.from({ length: count }, () => {
      next = (next * 48_271) % 2_147_483_647;
      return next % manifest.dims.vocab;
    });
  const run = async (at: number, count: number, logitRows: number) => {
    const start = performance.now();
    await runner.forward({
      sequence: 1,
      at,
      tokens: tokens(count),
      experts: null,
      logitRows,
      draftAbove: null,
    });
    return performance.now() - start;
  };
  const chunks: number[] = [];
  for (let at = 0; at < CONTEXT + 2 * CHUNK; at += CHUNK) chunks.push(await run(at, CHUNK, 0));
  const steps: number[] = [];
  const withLogits: number[] = [];
  for (let i = 0; i < STEPS; i++) {
    steps.push(await run(CONTEXT + i, 1, 0));
    withLogits.push(await run(CONTEXT + i, 1, 1));
  }
  const figures = {
    loadMs,
    // The first touches pages that were never read.
    chunkMs: median(chunks.slice(1)),
    stepMs: median(steps),
    headMs: median(withLogits) - median(steps),
    memory: readMemory(process.pid),
  };
  process.stdout.write(`${JSON.stringify(figures)}\n`);
  await runner.release();
}

main(process.argv[2]!, Number(process.argv[3]), process.argv[4] ?? null).catch(error => {
  console.error(error);
  process.exitCode = 1;
});
