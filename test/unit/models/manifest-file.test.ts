/** Manifests written, read, refused, and the files that they list verified. */
import assert from 'node:assert/strict';
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Manifest } from '../../../src/models/manifest.ts';
import { readManifest, verifyModel, writeManifest } from '../../../src/models/manifest-file.ts';
import { installModel, manifestOf } from './converted-model.ts';

let home: string;
beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), 'moebius-manifest-'));
});
afterEach(() => rm(home, { recursive: true, force: true }));

const install = (id: string) => installModel(join(home, id), id);

describe('models: manifest', () => {
  it('comes back as it was written', async () => {
    const folder = await install('m');
    assert.deepEqual(await readManifest(folder), manifestOf('m', 'int4'));
    assert.deepEqual(
      (await readdir(folder)).filter(name => name.endsWith('.partial')),
      [],
    );
  });

  it('says in which products 8 bits are multiplied, from the graph where it was not written', async () => {
    const folder = await installModel(join(home, 'm'), 'm', 'int8');
    const products = async () => (await readManifest(folder)).products;
    for (const [operators, expected] of [
      ['MatMulNBits', 'blocks'],
      ['MatMulIntegerToFloat', 'codes'],
      ['MatMulIntegerToFloat MatMulNBits', 'mixed'],
    ] as const) {
      await writeFile(join(folder, 'body.onnx'), operators);
      assert.equal(await products(), expected);
    }
    await rm(join(folder, 'body.onnx'));
    assert.equal(await products(), 'blocks');
    await writeManifest(folder, { ...manifestOf('m', 'int8'), products: 'codes' });
    assert.equal(await products(), 'codes');
  });

  const wrong: [string, (manifest: Manifest) => void, RegExp][] = [
    ['another format', m => Object.assign(m, { format: 1 }), /format 1, this version reads 6/],
    ['a missing field', m => Reflect.deleteProperty(m, 'tokens'), /tokens/],
    ['an unknown field', m => Object.assign(m, { extra: 1 }), /extra/],
    ['no dimension', m => Object.assign(m.dims, { layers: 0 }), /dims\.layers/],
    ['a file outside the folder', m => Object.assign(m.graphs.body, { data: '../x' }), /graphs\.body\.data/],
    [
      'a listed file outside the folder',
      m => Object.assign(m.files, { '../x': m.files['body.data'] }),
      /files/,
    ],
    [
      'a graph that is not listed',
      m => Reflect.deleteProperty(m.files, 'body.data'),
      /body\.data is not among/,
    ],
  ];
  for (const [name, change, message] of wrong) {
    it(`is refused with ${name}`, async () => {
      const folder = await install('m');
      const manifest = manifestOf('m', 'int4');
      change(manifest);
      await writeFile(join(folder, 'manifest.json'), JSON.stringify(manifest));
      await assert.rejects(readManifest(folder), { code: 'model-invalid', message });
      await assert.rejects(writeManifest(folder, manifest), { code: 'model-invalid' });
    });
  }

  it('is missing or no JSON', async () => {
    await assert.rejects(readManifest(home), { code: 'model-missing' });
    await writeFile(join(home, 'manifest.json'), 'x');
    await assert.rejects(readManifest(home), { code: 'model-invalid', message: /not JSON/ });
  });

  it('verifies every file with progress', async () => {
    const folder = await install('m');
    const seen: [number, number][] = [];
    await verifyModel(folder, { onProgress: (done, total) => seen.push([done, total]) });
    assert.deepEqual(seen.at(-1), [20, 20]);
    await assert.rejects(verifyModel(folder, { signal: AbortSignal.abort() }), { code: 'cancelled' });
    await writeFile(join(folder, 'body.data'), 'weighty');
    await assert.rejects(verifyModel(folder), {
      code: 'hash-mismatch',
      message: /body\.data is not what was written/,
    });
    await writeFile(join(folder, 'body.data'), 'weight');
    await assert.rejects(verifyModel(folder), {
      code: 'hash-mismatch',
      message: /6 bytes instead of 7\..*`moebius model remove m --variant int4`, then/,
    });
    await rm(join(folder, 'head.onnx'));
    await rm(join(folder, 'body.data'));
    await assert.rejects(verifyModel(folder), { code: 'model-invalid', message: /is missing/ });
  });
});
