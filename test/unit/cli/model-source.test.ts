import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { obtainSource } from '../../../src/cli/model-source.ts';
import { catalogue, type RepositoryEntry } from '../../../src/models/catalogue.ts';
import { openStore } from '../../../src/models/store.ts';
import { tempFolder } from '../../support/temp-folder.ts';
import { HubServer } from '../models/hub-server.ts';

describe('sources of models', () => {
  it('of the hub are ours to remove only where this call fetched them', async () => {
    const [config, tokenizer, weights] = ['{"model_type":"olmoe"}', '{}', 'x'].map(text => Buffer.from(text));
    const hub = await HubServer.start({
      'config.json': config!,
      'tokenizer.json': tokenizer!,
      'model.safetensors': weights!,
    });
    const before = process.env.MOEBIUS_HUB_URL;
    process.env.MOEBIUS_HUB_URL = hub.url;
    try {
      const store = await openStore(tempFolder());
      const published = catalogue().find((one): one is RepositoryEntry => one.kind === 'repository')!;
      const entry: RepositoryEntry = { ...published, architecture: 'olmoe', repository: 'o/r' };
      const obtain = () =>
        obtainSource({ kind: 'catalogue', entry }, store, () => {}, new AbortController().signal);
      const fetched = await obtain();
      const kept = await obtain();
      assert.deepEqual([fetched.isFresh, kept.isFresh], [true, false]);
      assert.ok(existsSync(kept.path));
    } finally {
      await hub.stop();
      if (before === undefined) delete process.env.MOEBIUS_HUB_URL;
      else process.env.MOEBIUS_HUB_URL = before;
    }
  });
});
