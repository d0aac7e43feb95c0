/** When packed weights are used, and that nothing is left of a packing that failed. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { mkdtemp, readdir, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Manifest } from '../../../src/models/manifest.ts';
import { readManifest, writeManifest } from '../../../src/models/manifest-file.ts';
import {
  type PackGraphs,
  packedBytes,
  packedFolder,
  packModel,
  removePacked,
} from '../../../src/models/packed.ts';
import { openStore, type Store, type StoredModel } from '../../../src/models/store.ts';
import { installModel } from './converted-model.ts';

const OTHER = 'b'.repeat(64);

const writeGraphs: PackGraphs = async ({ outFolder }) => {
  for (const name of ['body', 'head']) {
    await writeFile(join(outFolder, `${name}.onnx`), 'graph');
    await writeFile(join(outFolder, `${name}.data`), 'weights');
  }
};

describe('models: packed weights', () => {
  let home: string;
  let store: Store;
  let model: StoredModel;

  beforeEach(async () => {
    home = await mkdtemp(join(tmpdir(), 'moebius-packed-'));
    store = await openStore(home);
    await installModel(store.variantFolder('m', 'int4'), 'm', 'int4');
    model = await store.find('m', 'int4');
  });
  afterEach(() => rm(home, { recursive: true, force: true }));

  const pack = (graphs = writeGraphs) => packModel(store, model, graphs);
  const stamp = () => join(model.path, 'packed', 'packed.json');

  it('are there once they are made, again where they are made again, and gone when removed', async () => {
    assert.deepEqual([await packedFolder(model.path), await packedBytes(model.path)], [null, 0]);
    await pack();
    await pack();
    assert.equal(await packedFolder(model.path), join(model.path, 'packed'));
    assert.equal(await packedBytes(model.path), 2 * 'graphweights'.length);
    await removePacked(model.path);
    assert.equal(await packedFolder(model.path), null);
    assert.ok(!(await readdir(model.path)).some(name => name.startsWith('packed')));
  });

  it('hold whatever is noted in the manifest later, and with a stamp of its hash', async () => {
    await pack();
    await note(manifest => Object.assign(manifest.experts!.levels.exact!, { tailNll: 0.01 }));
    assert.equal(await packedFolder(model.path), join(model.path, 'packed'));
    const manifest = await readFile(join(model.path, 'manifest.json'));
    const hash = createHash('sha256').update(manifest).digest('hex');
    await edit(text => text.replace(/"manifest": ".*"/, `"manifest": "${hash}"`));
    assert.equal(await packedFolder(model.path), join(model.path, 'packed'));
  });

  it('go with their model', async () => {
    await pack();
    await store.remove('m');
    assert.deepEqual(await readdir(join(home, 'models')), []);
  });

  const changes: [string, () => Promise<void>][] = [
    ['another processor', () => edit(text => text.replace(/"cpu": ".*"/, '"cpu": "another"'))],
    ['another runtime', () => edit(text => text.replace(/"runtime": ".*"/, '"runtime": "1.0.0"'))],
    ['a stamp that is cut', () => edit(text => text.slice(0, -5))],
    ['a manifest that is damaged', async () => writeFile(join(model.path, 'manifest.json'), '{}')],
    [
      'a model converted again',
      () => note(({ files }) => Object.assign(files['body.data']!, { sha256: OTHER })),
    ],
    ['a file that was cut', () => truncate(join(model.path, 'packed', 'body.data'), 3)],
    ['a file that is gone', () => rm(join(model.path, 'packed', 'head.onnx'))],
  ];
  for (const [name, change] of changes) {
    it(`are not used with ${name}`, async () => {
      await pack();
      await change();
      assert.equal(await packedFolder(model.path), null);
    });
  }
  async function note(change: (manifest: Manifest) => void): Promise<void> {
    const manifest = await readManifest(model.path);
    change(manifest);
    await writeManifest(model.path, manifest);
  }
  async function edit(change: (text: string) => string): Promise<void> {
    const text = await readFile(stamp(), 'utf8');
    assert.notEqual(change(text), text);
    await writeFile(stamp(), change(text));
  }

  it('leave nothing behind when packing fails, and those that were there', async () => {
    await pack();
    const before = await readdir(model.path);
    const fail: PackGraphs = async options => {
      await writeGraphs(options);
      throw Object.assign(new Error('full'), { code: 'ENOSPC' });
    };
    await assert.rejects(pack(fail), { code: 'ENOSPC' });
    assert.deepEqual(await readdir(model.path), before);
    assert.notEqual(await packedFolder(model.path), null);
    assert.deepEqual(await readdir(join(home, 'locks')), []);
  });

  it('are not begun without room, nor for weights that no kernel packs', async () => {
    let calls = 0;
    const count: PackGraphs = async () => {
      calls++;
    };
    const { freeBytes } = store;
    store.freeBytes = async () => 1000;
    await assert.rejects(pack(count), { code: 'disk-full' });
    store.freeBytes = freeBytes;
    model.variant = 'fp32';
    await assert.rejects(pack(count), { code: 'unsupported' });
    assert.equal(calls, 0);
  });
});
