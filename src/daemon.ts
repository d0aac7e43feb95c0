/** Entry of the inference daemon's bundle: the real engine and the real store behind daemon/serve.ts. */
import { availableParallelism } from 'node:os';
import { dependencies, version } from '../package.json';
import { kvCapBytes } from './daemon/kv/cap.ts';
import { openPageFolder } from './daemon/kv/page-folder.ts';
import { serve } from './daemon/serve.ts';
import { loadEngine } from './engine/load.ts';
import { runSelfTest } from './engine/self-test.ts';
import { sessionThreads } from './models/machine.ts';
import { machineProfile } from './models/self-test.ts';
import { openStore } from './models/store.ts';

serve({
  process,
  loadEngine,
  threads: async () => sessionThreads((await openStore()).home),
  async selfTest(signal) {
    await machineProfile({ home: (await openStore()).home, measure: runSelfTest, signal });
  },
  store: {
    async list() {
      const models = await (await openStore()).list();
      // The manifest is for the engine, which reads it itself; it does not travel.
      return models.map(({ manifest: _, ...summary }) => summary);
    },
  },
  openPages: async model => openPageFolder(await openStore(), model, kvCapBytes(process.env)),
  about: {
    daemonVersion: version,
    engine: {
      name: 'onnxruntime-node',
      version: dependencies['onnxruntime-node'],
      threads: availableParallelism(),
    },
  },
});
