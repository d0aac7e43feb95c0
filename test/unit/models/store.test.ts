/** The store on real folders. */
import assert from 'node:assert/strict';
import { access, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { thisMachine, writeMachineProfile } from '../../../src/models/machine.ts';
import type { Manifest } from '../../../src/models/manifest.ts';
import { openStore, type Store } from '../../../src/models/store.ts';
import { installModel } from './converted-model.ts';

let home: string;
let store: Store;
beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), 'moebius-store-'));
  store = await openStore(home);
});
afterEach(() => rm(home, { recursive: true, force: true }));

const install = (id: string, variant: Manifest['variant'] = 'int4') =>
  installModel(store.variantFolder(id, variant), id, variant);

describe('models: store', () => {
  it('lists what is whole, int4 first', async () => {
    await install('b-model', 'fp32');
    await install('b-model', 'int4');
    const folder = await install('a-model', 'int8');
    await mkdir(join(home, 'models/half-made/int4'), { recursive: true });
    const unfinished = join(home, 'models/a-model/int4.partial');
    await mkdir(unfinished);
    await writeFile(join(unfinished, 'manifest.json'), await readFile(join(folder, 'manifest.json')));
    await writeFile(join(await install('damaged'), 'manifest.json'), '{"format": 1');
    const names = (await store.list()).map(({ id, variant, sizeBytes }) => `${id} ${variant} ${sizeBytes}`);
    assert.deepEqual(names, ['a-model int8 20', 'b-model int4 20', 'b-model fp32 20']);
  });

  it('finds a model in the first variant there is, or the one asked for', async () => {
    await install('m', 'fp32');
    const folder = await install('m', 'int8');
    assert.equal((await store.find('m')).path, folder);
    assert.equal((await store.find('m', 'fp32')).variant, 'fp32');
    await assert.rejects(store.find('m', 'int4'), {
      code: 'model-missing',
      message: /m \(int4\) is not installed.*model add m --variant int4/,
    });
    await assert.rejects(store.find('x'), { code: 'model-missing', message: /moebius model add x/ });
  });

  it('uses the variant that is quickest on this machine, once that is measured', async () => {
    await install('m', 'int4');
    const eight = await install('m', 'int8');
    await writeFile(join(eight, 'body.onnx'), 'MatMulIntegerToFloat');
    assert.equal((await store.find('m')).variant, 'int4');
    const [slow, fast] = [
      { write: 20e9, read: 100e9 },
      { write: 20e9, read: 800e9 },
    ];
    await writeMachineProfile(home, {
      ...{ format: 2, ...thisMachine(), measuredAt: new Date().toISOString(), tookMs: 1 },
      ...{ tried: [{ threads: 1, ...slow }], threads: 1, operatorSeconds: 1e-6, share: 1 },
      ...{ int4: slow, int8: slow, w8a8: fast },
    });
    assert.equal((await store.find('m')).variant, 'int8');
    assert.deepEqual(
      (await store.list()).map(({ variant }) => variant),
      ['int8', 'int4'],
    );
    await writeFile(join(eight, 'body.onnx'), 'MatMulNBits');
    assert.equal((await store.find('m')).variant, 'int4', 'blocks were measured to be slower');
  });

  it('removes one variant or all', async () => {
    await install('m', 'fp32');
    await install('m');
    await store.remove('m', 'fp32');
    assert.deepEqual(
      (await store.list()).map(model => model.variant),
      ['int4'],
    );
    await store.remove('m');
    await assert.rejects(access(join(home, 'models/m')));
    await assert.rejects(store.remove('m'), { code: 'model-missing' });
  });

  it('removes nothing of a model whose files another process has open, and says so', async () => {
    await install('m');
    const refusal = Object.assign(new Error('EPERM: operation not permitted'), { code: 'EPERM' });
    const move = () => Promise.reject(refusal);
    await assert.rejects(store.remove('m', undefined, move), {
      code: 'busy',
      message: /m can't be removed: another window or process is using it \(EPERM.*Close that window/,
    });
    assert.equal((await store.list()).length, 1);
  });

  it('removes with the next model what is left of an interrupted removal', async () => {
    await install('m');
    await mkdir(join(home, 'removed', 'x', 'int4'), { recursive: true });
    await store.remove('m');
    for (const name of ['removed', 'models']) assert.deepEqual(await readdir(join(home, name)), []);
  });

  it('removes what is half converted or half fetched, and says whether there was anything', async () => {
    await install('m');
    const partial = `${store.variantFolder('m', 'int8')}.partial`;
    await mkdir(partial);
    await store.remove('m', 'int8');
    await assert.rejects(access(partial));
    await assert.rejects(store.remove('m', 'int8'), { code: 'model-missing' });
    assert.equal((await store.list()).length, 1);

    const sha256 = 'a'.repeat(64);
    const left = ['', '.etag'].map(end => `${store.partialPath(sha256)}${end}`);
    const wheels = store.wheelsFolder(sha256);
    for (const path of [...left, `${store.downloadPath(sha256)}.json`]) await writeFile(path, 'x');
    await mkdir(wheels);
    await mkdir(store.repositoryFolder('m'));
    assert.deepEqual([await store.removeDownload(sha256), await store.removeRepository('m')], [true, true]);
    assert.deepEqual(await readdir(store.downloadsFolder), []);
    assert.deepEqual([await store.removeDownload(sha256), await store.removeRepository('m')], [false, false]);
  });

  for (const id of ['', '..', '../x', 'a/b', 'a\\b', '.hidden', 'x'.repeat(101)]) {
    it(`refuses the id ${JSON.stringify(id)}`, async () => {
      assert.throws(() => store.variantFolder(id, 'int4'), { code: 'bad-request' });
      await assert.rejects(store.find(id), { code: 'bad-request' });
      await assert.rejects(store.remove(id), { code: 'bad-request' });
    });
  }

  it('lies where MOEBIUS_HOME says', async () => {
    const before = process.env.MOEBIUS_HOME;
    process.env.MOEBIUS_HOME = join(home, 'elsewhere');
    try {
      assert.equal((await openStore()).home, join(home, 'elsewhere'));
    } finally {
      if (before === undefined) delete process.env.MOEBIUS_HOME;
      else process.env.MOEBIUS_HOME = before;
    }
    await assert.rejects(openStore(join(await install('m'), 'body.onnx/x')), {
      code: 'not-found',
      message: /can't be made/,
    });
  });

  it('knows its free space', async () => {
    await store.requireFree(0, 'nothing');
    await assert.rejects(store.requireFree(2 ** 60, 'the moon'), {
      code: 'disk-full',
      message: /no room for the moon/,
    });
  });
});
