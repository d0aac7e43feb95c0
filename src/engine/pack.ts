/** Packs the weights of a converted model, in a thread of its own. */
import { availableParallelism } from 'node:os';
import { cancelled } from '../base/errors.ts';
import type { PackGraphs } from '../models/packed.ts';
import { openModelFolder } from './model-folder.ts';
import { WorkerClient } from './session/worker-client.ts';

/** Throws what loading throws, `format-invalid` for a runtime that saves otherwise, `internal`, `cancelled`. */
export const packModelGraphs: PackGraphs = async ({ folder, outFolder, signal }) => {
  const { manifest } = await openModelFolder(folder);
  if (signal?.aborted) throw cancelled();
  const worker = new WorkerClient();
  const onAbort = () => void worker.terminate();
  signal?.addEventListener('abort', onAbort, { once: true });
  try {
    const threads = availableParallelism();
    await worker.request('pack', { folder, manifest, contextTokens: 256, threads, packed: null, outFolder });
  } catch (error) {
    throw signal?.aborted ? cancelled() : error;
  } finally {
    signal?.removeEventListener('abort', onAbort);
    await worker.terminate();
  }
};
