/** Bundle 2: the inference daemon. One client, JSON-RPC over stdio; the model store is the one of MOEBIUS_HOME. */
import { availableParallelism } from 'node:os';
import packageJson from '../package.json';
import { serve } from './daemon/serve.ts';
import { loadEngine } from './engine/load.ts';
import { openStore } from './models/store.ts';

serve({
  process,
  loadEngine,
  store: { list: async () => (await openStore()).list() },
  about: {
    daemonVersion: packageJson.version,
    engine: {
      name: 'onnxruntime-node',
      version: packageJson.dependencies['onnxruntime-node'],
      threads: availableParallelism(),
    },
  },
});
