import assert from 'node:assert/strict';
import { existsSync, readdirSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import {
  idOfFile,
  keepSource,
  obtainSource,
  removeSource,
  type SourceName,
} from '../../../src/cli/model-source.ts';
import { createProgram } from '../../../src/cli/program.ts';
import { catalogue, type FileEntry, type RepositoryEntry } from '../../../src/models/catalogue.ts';
import { openStore, type Store } from '../../../src/models/store.ts';
import { tempFolder } from '../../support/temp-folder.ts';
import { FaultServer } from '../models/fault-server.ts';
import { HubServer } from '../models/hub-server.ts';
import { memoryTerminal } from './scripted-engine.ts';

const obtain = (source: SourceName, store: Store) =>
  obtainSource(source, store, () => {}, new AbortController().signal);

/** Runs `act` with a variable of the environment set. */
async function withVariable(name: string, value: string, act: () => Promise<void>): Promise<void> {
  const before = process.env[name];
  process.env[name] = value;
  try {
    await act();
  } finally {
    if (before === undefined) delete process.env[name];
    else process.env[name] = before;
  }
}

describe('what is made of a source', () => {
  it('may have the longest id', async () => {
    const store = await openStore(tempFolder());
    const id = idOfFile(`${'a'.repeat(300)}.gguf`);
    const locks = ['convert', 'pack'].map(act => store.lock(`${act}-${id}-int4`));
    for (const lock of locks) await (await lock).release();
    assert.ok(store.variantFolder(id, 'int4').includes(id));
  });
});

describe('sources of models', () => {
  it('of the hub are ours to remove until somebody asks to keep them, also where an earlier call fetched them', async () => {
    const [config, tokenizer, weights] = ['{"model_type":"olmoe"}', '{}', 'x'].map(text => Buffer.from(text));
    const hub = await HubServer.start({
      'config.json': config!,
      'tokenizer.json': tokenizer!,
      'model.safetensors': weights!,
    });
    try {
      await withVariable('MOEBIUS_HUB_URL', hub.url, async () => {
        const store = await openStore(tempFolder());
        const published = catalogue().find((one): one is RepositoryEntry => one.kind === 'repository')!;
        const entry: RepositoryEntry = { ...published, architecture: 'olmoe', repository: 'o/r' };
        const source = { kind: 'catalogue', entry } as const;
        const fetched = await obtain(source, store);
        const again = await obtain(source, store);
        assert.deepEqual([fetched.isFresh, again.isFresh], [true, true]);
        await keepSource(again);
        const kept = await obtain(source, store);
        assert.equal(kept.isFresh, false);
        assert.ok(existsSync(kept.path));
        await removeSource(store, kept);
        assert.deepEqual(readdirSync(store.downloadsFolder), []);
      });
    } finally {
      await hub.stop();
    }
  });

  it('of the catalogue that lie there without a note were put there, and stay', async () => {
    const store = await openStore(tempFolder());
    const published = catalogue().find((one): one is FileEntry => one.kind === 'file')!;
    await writeFile(store.downloadPath(published.sha256), 'x');
    const source = { kind: 'catalogue', entry: { ...published, sizeBytes: 1 } } as const;
    assert.equal((await obtain(source, store)).isFresh, false);
  });

  describe('at an address', () => {
    let server: FaultServer;
    let store: Store;
    let source: SourceName;
    beforeEach(async () => {
      server = await FaultServer.start(Buffer.from('no weights at all'));
      store = await openStore(tempFolder());
      source = { kind: 'url', url: `${server.url}/m.gguf`, id: 'm' };
    });
    afterEach(() => server.stop());

    it('are fetched once, however often what follows is interrupted', async () => {
      const first = await obtain(source, store);
      assert.deepEqual(await obtain(source, store), first);
      assert.deepEqual(
        [first.isFresh, first.id, first.sizeBytes, server.requests.length],
        [true, 'm', 17, 1],
      );
      await keepSource(first);
      assert.deepEqual(await obtain(source, store), { ...first, isFresh: false });
      await removeSource(store, first);
      assert.deepEqual(readdirSync(store.downloadsFolder), []);
      await obtain(source, store);
      assert.equal(server.requests.length, 2);
    });

    it('that were there before, by other means, stay', async () => {
      const { path } = await obtain(source, store);
      await writeFile(`${path}.json`, 'no note');
      assert.equal((await obtain(source, store)).isFresh, false);
    });

    it('are fetched by one at a time, and the other is told the address', async () => {
      server.faults = ['silent'];
      const abort = new AbortController();
      const first = obtainSource(source, store, () => {}, abort.signal);
      const ended = assert.rejects(first, { code: 'cancelled' });
      while (server.requests.length === 0) await new Promise(resolve => setTimeout(resolve, 5));
      await assert.rejects(obtain(source, store), {
        code: 'busy',
        message: /m\.gguf\. Wait until it is done/,
      });
      abort.abort();
      await ended;
      assert.ok((await obtain(source, store)).isFresh);
    });

    it('are removed when they are no weights that can be converted, unless they are to be kept', async () => {
      await withVariable('MOEBIUS_HOME', store.home, async () => {
        const add = ['node', 'moebius', 'model', 'add', `${server.url}/m.gguf`, '--json-progress'];
        const refused = (...options: string[]) =>
          assert.rejects(createProgram(memoryTerminal(), '0').parseAsync([...add, ...options]), {
            code: 'format-invalid',
          });
        await refused();
        assert.deepEqual(readdirSync(store.downloadsFolder), []);
        await refused('--keep-source');
        await refused();
        assert.equal((await obtain(source, store)).isFresh, false);
        assert.equal(server.requests.length, 2);
      });
    });
  });
});
