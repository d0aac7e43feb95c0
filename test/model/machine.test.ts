/** What touches the real kernels: the self-test, and packed weights of the real 0.5B, in a store of their own. */
import assert from 'node:assert/strict';
import { cp, link, mkdir, mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { loadEngine } from '../../src/engine/load.ts';
import { packModelGraphs } from '../../src/engine/pack.ts';
import { runSelfTest } from '../../src/engine/self-test.ts';
import { catalogueEntry } from '../../src/models/catalogue.ts';
import { factsOf } from '../../src/models/model-facts.ts';
import { packedFolder, packModel } from '../../src/models/packed.ts';
import { openStore, type Store } from '../../src/models/store.ts';
import { needFiles, variantFolder } from '../support/models.ts';

const ID = 'qwen2.5-coder-0.5b';
const real = variantFolder(ID, 'int4');

describe('self-test on this machine', function () {
  this.timeout(300_000);

  it('measures every number of threads and all forms', async () => {
    const { tried, int8, w8a8, operatorSeconds, share } = await runSelfTest({ cores: 1, limitMs: 200_000 });
    assert.equal(tried.length, 1);
    for (const { write, read } of [tried[0]!, int8, w8a8 ?? int8])
      assert.ok(write > 0 && read > 0, `${write}, ${read}`);
    assert.ok(operatorSeconds > 0 && share > 0 && share <= 1);
  });

  it('ends when it is cancelled in the middle of a kernel, and nothing with it', async () => {
    const abort = new AbortController();
    setTimeout(() => abort.abort(), 400);
    await assert.rejects(runSelfTest({ cores: 2, signal: abort.signal }), { code: 'cancelled' });
  });
});

describe('the real 0.5B', function () {
  this.timeout(300_000);
  let home: string;
  let store: Store;

  before(async function () {
    needFiles(this, join(real, 'manifest.json'));
    // Links where the disk is the same: the model has a gigabyte.
    home = await mkdtemp(join(tmpdir(), 'moebius-real-'));
    store = await openStore(home);
    const folder = store.variantFolder(ID, 'int4');
    await mkdir(folder, { recursive: true });
    for (const name of await readdir(real)) {
      if (name.startsWith('packed')) continue;
      await link(join(real, name), join(folder, name)).catch(() => cp(join(real, name), join(folder, name)));
    }
  });
  after(async () => {
    if (home) await rm(home, { recursive: true, force: true });
  });

  it('has the facts that the catalogue gives before it is there', async () => {
    const { facts } = catalogueEntry(ID);
    const { diskBytes, ...rest } = factsOf((await store.find(ID, 'int4')).manifest);
    const { diskBytes: expected, ...others } = facts;
    assert.deepEqual(rest, others);
    assert.ok(Math.abs(diskBytes - expected) < expected * 0.02);
  });

  it('writes the same with packed weights, and without them when they are damaged', async () => {
    const model = await store.find(ID, 'int4');
    const write = async () => {
      const engine = await loadEngine({ folder: model.path, contextTokens: 512, threads: 1 });
      try {
        const params = { requestId: 'a', prompt: 'def fibonacci(n):', temperature: 0, maxTokens: 12 };
        const hooks = { signal: new AbortController().signal, turn: async () => {}, onEvent() {} };
        return (await engine.generate(params, hooks)).text;
      } finally {
        await engine.dispose();
      }
    };
    const plain = await write();
    await packModel(store, model, packModelGraphs);
    const packed = await packedFolder(model.path);
    assert.ok(packed);
    assert.equal(await write(), plain);
    await rm(join(packed, 'head.data'));
    assert.equal(await packedFolder(model.path), null);
    assert.equal(await write(), plain);
  });
});
