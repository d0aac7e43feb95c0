/** Packs the weights of a converted model, in a thread of its own. */
import { availableParallelism } from 'node:os';
import type { PackGraphs } from '../models/packed.ts';
import { openModelFolder } from './model-folder.ts';
import { stopFlag } from './session/stop-flag.ts';
import { WorkerClient } from './session/worker-client.ts';

/** Throws what loading throws, `format-invalid` for a runtime that saves otherwise, `internal`, `cancelled`. */
export const packModelGraphs: PackGraphs = async ({ folder, outFolder, signal }) => {
  const { manifest } = await openModelFolder(folder);
  const worker = new WorkerClient();
  try {
    const load = { folder, manifest, contextTokens: 256, threads: availableParallelism(), packed: null };
    await worker.request('pack', { ...load, outFolder, stop: stopFlag(signal) });
  } finally {
    await worker.terminate();
  }
};
