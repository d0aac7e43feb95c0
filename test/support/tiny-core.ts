/** The engine's parts on a tiny model in a folder of its own, as `generate` works with them. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { EngineCore } from '../../src/engine/core.ts';
import { loadCore } from '../../src/engine/load.ts';
import { writeTinyModel } from './tiny-folder.ts';

export async function openTinyCore(
  model: Parameters<typeof writeTinyModel>[1] = {},
): Promise<{ core: EngineCore; dispose(): Promise<void> }> {
  const folder = await mkdtemp(join(tmpdir(), 'moebius-tiny-'));
  await writeTinyModel(folder, model);
  const core = await loadCore({ folder, contextTokens: 1024, threads: 1 });
  return {
    core,
    async dispose() {
      core.grammars.dispose();
      await core.worker.terminate();
      await rm(folder, { recursive: true, force: true });
    },
  };
}
