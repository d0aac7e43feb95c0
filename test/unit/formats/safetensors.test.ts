import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { mxfp4Values } from '../../../src/formats/mxfp4.ts';
import { openSafetensors } from '../../../src/formats/safetensors.ts';
import { floatTensor, writeSafetensors } from '../../support/safetensors-file.ts';

describe('safetensors', () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'moebius-safetensors-'));
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  const numbers = (count: number, from = 0) => Float32Array.from({ length: count }, (_, i) => from + i);
  const index = (map: Record<string, string>) =>
    writeFileSync(join(folder, 'model.safetensors.index.json'), JSON.stringify({ weight_map: map }));
  /** A file with this header, and `dataBytes` zeros behind it. */
  const raw = (header: string, dataBytes = 0, length = Buffer.byteLength(header)) => {
    const prefix = Buffer.alloc(8);
    prefix.writeBigUInt64LE(BigInt(length));
    const bytes = Buffer.concat([prefix, Buffer.from(header), Buffer.alloc(dataBytes)]);
    writeFileSync(join(folder, 'model.safetensors'), bytes);
  };

  it('reads rows of one file', async () => {
    await writeSafetensors(join(folder, 'model.safetensors'), {
      a: floatTensor([3, 4], numbers(12)),
      b: { dtype: 'BF16', shape: [2], bytes: Uint8Array.of(0x80, 0x3f, 0x00, 0xc0) },
    });
    const file = await openSafetensors(folder);
    assert.deepEqual([...file.names], ['a', 'b']);
    assert.deepEqual([...(await file.readF32('a', 1, 2))], [4, 5, 6, 7, 8, 9, 10, 11]);
    assert.deepEqual([...(await file.readF32('b'))], [1, -2]);
    assert.deepEqual(file.info('a').shape, [3, 4]);
    await file.close();
  });

  it('reads shards by their index, and leaves tensors that it does not name', async () => {
    await writeSafetensors(join(folder, 'model-1.safetensors'), { a: floatTensor([2], numbers(2)) });
    await writeSafetensors(join(folder, 'model-2.safetensors'), {
      b: floatTensor([2], numbers(2, 5)),
      a: floatTensor([2], numbers(2, 9)),
    });
    index({ a: 'model-1.safetensors', b: 'model-2.safetensors' });
    const file = await openSafetensors(folder);
    assert.deepEqual(file.files, ['model-1.safetensors', 'model-2.safetensors']);
    assert.deepEqual([...(await file.readF32('a')), ...(await file.readF32('b'))], [0, 1, 5, 6]);
    await file.close();
  });

  it('refuses a tensor of a type that it cannot read when it is read, and reads the others', async () => {
    await writeSafetensors(join(folder, 'model.safetensors'), {
      a: { dtype: 'F4', shape: [4], bytes: new Uint8Array(2) },
      b: floatTensor([2], numbers(2)),
    });
    const file = await openSafetensors(folder);
    assert.deepEqual([...(await file.readF32('b'))], [0, 1]);
    await assert.rejects(file.readF32('a'), { code: 'unsupported', message: /a is stored as F4/ });
    await file.close();
  });

  const refused: [string, () => unknown, RegExp][] = [
    ['an empty folder', () => {}, /holds no .safetensors/],
    ['a file that is too short', () => writeFileSync(join(folder, 'model.safetensors'), 'abc'), /too short/],
    ['a header longer than the file', () => raw('{}', 0, 1e6), /header would have 1000000 bytes/],
    ['a header that is no JSON', () => raw('{"a":'), /no JSON/],
    ['a header that is a list', () => raw('[]'), /an object is missing/],
    [
      'a type that is no name',
      () => raw('{"a":{"dtype":9,"shape":[1],"data_offsets":[0,1]}}', 1),
      /entry of a is malformed/,
    ],
    [
      'a tensor of an unknown type that ends before it begins',
      () => raw('{"a":{"dtype":"Q9","shape":[1],"data_offsets":[1,0]}}', 1),
      /a has -1 bytes/,
    ],
    [
      'a negative size',
      () => raw('{"a":{"dtype":"U8","shape":[-1],"data_offsets":[0,1]}}', 1),
      /entry of a is malformed/,
    ],
    [
      'a shape that does not fit its bytes',
      () => raw('{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,4]}}', 4),
      /a has 4 bytes/,
    ],
    [
      'data past the end',
      () => raw('{"a":{"dtype":"U8","shape":[9],"data_offsets":[0,9]}}', 4),
      /a lies past its end/,
    ],
    [
      'two shards without an index',
      async () => {
        for (const n of [1, 2]) await writeSafetensors(join(folder, `model-${n}.safetensors`), {});
      },
      /2 shards but no index/,
    ],
    [
      'a shard that is missing',
      async () => {
        await writeSafetensors(join(folder, 'model-1.safetensors'), {});
        index({ a: 'model-2.safetensors' });
      },
      /model-2.safetensors is missing/,
    ],
    [
      'an index that leads out of the folder',
      async () => {
        await writeSafetensors(join(folder, 'model-1.safetensors'), {});
        index({ a: '../model-1.safetensors' });
      },
      /bad name/,
    ],
    [
      'an index that names what a shard lacks',
      async () => {
        await writeSafetensors(join(folder, 'model-1.safetensors'), {});
        index({ a: 'model-1.safetensors' });
      },
      /says it holds a/,
    ],
  ];
  for (const [what, arrange, message] of refused) {
    it(`refuses ${what}`, async () => {
      await arrange();
      await assert.rejects(openSafetensors(folder), message);
    });
  }
});

describe('MXFP4', () => {
  it('has the sixteen values of E2M1 at the scale of their block', () => {
    const codes = Uint8Array.from({ length: 16 }, (_, i) => (((2 * i + 1) % 16) << 4) | ((2 * i) % 16));
    const positive = [0, 0.5, 1, 1.5, 2, 3, 4, 6];
    const all = [...positive, ...positive.map(value => -value)];
    const twice = [...all, ...all];
    assert.deepEqual([...mxfp4Values(codes, Uint8Array.of(127))], twice);
    assert.deepEqual(
      [...mxfp4Values(codes, Uint8Array.of(125))],
      twice.map(value => value / 4),
    );
  });
});
