import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { toHalfBits } from '../../../src/convert/carve/half.ts';
import { writeCarving } from '../../../src/convert/carve/writer.ts';
import { type Carving, readCarving } from '../../../src/convert/carving.ts';
import { writeDescription } from '../../../src/convert/sealed-data.ts';
import { halfTable } from '../../../src/formats/float16.ts';

const dims = { layers: 2, hidden: 4, feedForward: 10 };
const origin = {
  model: 'tiny',
  dims,
  calibration: {
    tokens: 1024,
    sequenceTokens: 1024,
    files: 1,
    corpusSha256: 'a'.repeat(64),
    seed: 3,
  },
  createdBy: 'test',
};

/** Every number is a power of two or a small integer, so half precision keeps it. */
function carving(): Carving {
  const layer = (shift: number) => ({
    order: Uint16Array.from({ length: 10 }, (_, i) => (i * 3 + shift) % 10),
    router: Float32Array.from({ length: 12 }, (_, i) => (i - 6) / 8),
    routerBias: Float32Array.of(0.1, -2, 1e6),
    importance: {
      attentionIn: Float32Array.of(1, 4, 9, 16),
      attentionOut: Float32Array.of(0, 0.25, 1, 1e-6),
      feedForwardIn: new Float32Array(4).fill(1),
      feedForwardMid: Float32Array.from({ length: 10 }, (_, i) => i * i),
    },
  });
  const exact = { readK: null, writeK: null, exactTail: 0, exactHead: 0 };
  const fast = { readK: 1, writeK: null, exactTail: 64, exactHead: 4, tailNll: 0.03 };
  return {
    sharedNeurons: 4,
    routed: 3,
    routedNeurons: 2,
    levels: { exact, fast },
    layers: [layer(0), layer(1)],
  };
}

describe('convert/carving: data files', () => {
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'moebius-carving-'));
    await writeCarving(folder, carving(), origin);
  });
  afterEach(() => rm(folder, { recursive: true }));

  it('reads back what was written', async () => {
    const read = await readCarving(folder, dims);
    const expected = carving();
    // 1e-6 is a mean square; its root is what half precision rounds.
    for (const layer of [...read.layers, ...expected.layers]) layer.importance.attentionOut[3] = 0;
    assert.deepEqual(read, expected);
    assert.deepEqual((await readdir(folder)).sort(), ['carving.bin', 'carving.json']);
  });

  const edit = async (change: (json: Record<string, never>) => void) => {
    const path = join(folder, 'carving.json');
    const json = JSON.parse(await readFile(path, 'utf8'));
    change(json);
    await writeFile(path, JSON.stringify(json));
  };
  /** Changes the data and its hash, as a faulty tool would. */
  const editData = async (change: (data: Buffer) => void) => {
    const path = join(folder, 'carving.bin');
    const data = await readFile(path);
    change(data);
    await writeFile(path, data);
    const sha256 = createHash('sha256').update(data).digest('hex');
    await edit(json => Object.assign(json['data']!, { sha256 }));
  };
  const set = (path: string, value: unknown) => () =>
    edit(json => {
      const keys = path.split('.');
      const last = keys.pop()!;
      // biome-ignore lint/suspicious/noExplicitAny: a path into untyped JSON
      const at = keys.reduce((node: any, key) => node[key], json);
      at[last] = value;
    });

  const refused: [string, () => Promise<unknown>, string, RegExp][] = [
    ['no description', () => rm(join(folder, 'carving.json')), 'not-found', /There is no .*carving/],
    ['not JSON', () => writeFile(join(folder, 'carving.json'), '{'), 'model-invalid', /not JSON/],
    [
      'huge JSON',
      () => writeFile(join(folder, 'carving.json'), ' '.repeat(1_100_000)),
      'model-invalid',
      /larger/,
    ],
    ['another format', set('format', 2), 'model-invalid', /format/],
    ['unknown field', set('extra', 1), 'model-invalid', /extra/],
    ['another model', set('dims.hidden', 5), 'model-invalid', /hidden 5, not 4/],
    ['experts that do not add up', set('routedNeurons', 3), 'model-invalid', /add up to 10/],
    ['more experts than there are', set('levels.fast.readK', 4), 'model-invalid', /fast/],
    ['negative k', set('levels.fast.readK', -1), 'model-invalid', /readK/],
    ['more experts in a layer', set('levels.fast.readK', [1, 4]), 'model-invalid', /fast wants too many/],
    ['experts for other layers', set('levels.fast.readK', [1, 1, 1]), 'model-invalid', /3 of 2 layers/],
    ['a layer without experts', set('levels.fast.readK', [1, 0]), 'model-invalid', /readK/],
    ['data of another size', set('data.sizeBytes', 10), 'model-invalid', /should have/],
    ['data outside the folder', set('data.file', '../carving.bin'), 'model-invalid', /data\.file/],
    ['no data', () => rm(join(folder, 'carving.bin')), 'hash-mismatch', /missing or damaged/],
    ['cut data', () => writeFile(join(folder, 'carving.bin'), 'x'), 'hash-mismatch', /damaged/],
    ['wrong hash', set('data.sha256', 'b'.repeat(64)), 'hash-mismatch', /damaged/],
    ['a neuron twice', () => editData(data => data.writeUInt16LE(9, 0)), 'model-invalid', /permutation/],
    ['a neuron too far', () => editData(data => data.writeUInt16LE(500, 0)), 'model-invalid', /permutation/],
    ['infinite router', () => editData(data => data.writeUInt16LE(0x7c00, 20)), 'model-invalid', /finite/],
  ];
  for (const [name, spoil, code, message] of refused) {
    it(`refuses ${name}`, async () => {
      await spoil();
      await assert.rejects(readCarving(folder, dims), { name: 'MoebiusError', code, message });
    });
  }

  it('writes nothing that it would not read', async () => {
    const out = join(folder, 'bad');
    const spoilt: ((layer: Carving['layers'][number]) => void)[] = [
      layer => layer.router.fill(1e6),
      layer => layer.routerBias.fill(Number.NaN),
      layer => layer.order.fill(0),
    ];
    for (const spoil of spoilt) {
      const bad = carving();
      spoil(bad.layers[1]!);
      await assert.rejects(writeCarving(out, bad, origin), { code: 'internal', message: /Layer 1/ });
      await assert.rejects(readdir(out), { code: 'ENOENT' });
    }
  });

  it('leaves no part of a description that can not take its place', async () => {
    const out = join(folder, 'taken');
    const path = join(out, 'carving.json');
    await mkdir(path, { recursive: true });
    await assert.rejects(writeDescription(path, {}), { code: 'EISDIR' });
    assert.deepEqual(await readdir(out), ['carving.json']);
  });

  it('keeps every half precision number, and rounds to the nearest', () => {
    const table = halfTable();
    const finite = Array.from({ length: 0x10000 }, (_, bits) => bits).filter(
      bits => (bits & 0x7c00) !== 0x7c00,
    );
    const back = toHalfBits(Float32Array.from(finite, bits => table[bits]!));
    assert.deepEqual([...back], finite);
    const check = (value: number, expected: number) =>
      assert.equal(toHalfBits(Float32Array.of(value))[0], expected, String(value));
    check(1 + 2 ** -11, 0x3c00); // tie to even, down
    check(1 + 3 * 2 ** -11, 0x3c02); // tie to even, up
    check(65504 + 15, 0x7bff);
    check(65520, 0x7c00);
    check(2 ** -25, 0);
    check(2 ** -25 * 1.01, 1);
    check(Number.NEGATIVE_INFINITY, 0xfc00);
    check(Number.NaN, 0x7e00);
  });
});
