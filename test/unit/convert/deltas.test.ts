/** Deltas: files as tools/distill writes them, and what convert makes of them on a tiny model. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { toHalfBits } from '../../../src/convert/carve/half.ts';
import { writeCarving } from '../../../src/convert/carve/writer.ts';
import { type Carving, readCarving } from '../../../src/convert/carving.ts';
import { convertModel } from '../../../src/convert/convert.ts';
import {
  type LayerDeltas,
  type LowRank,
  readTrainedCarving,
  withDelta,
} from '../../../src/convert/deltas.ts';
import { writeSealed } from '../../../src/convert/sealed-data.ts';
import { openGguf } from '../../../src/formats/gguf.ts';
import { TINY_GGUF, tinyGguf } from '../../support/tiny-gguf.ts';

const FIXTURE = join(__dirname, '../../fixtures/deltas');
const { layers, hidden, feedForward } = TINY_GGUF;
const dims = { layers, hidden, feedForward };
const RANK = 2;
const ROUTED = 3;

/** Small multiples of an eighth: half precision keeps them, and float32 their products. */
const numbers = (count: number, start: number) =>
  Float32Array.from({ length: count }, (_, i) => (((i + start) % 7) - 3) / 8);
const lowRank = (rows: number, cols: number, start: number): LowRank => ({
  rank: RANK,
  a: numbers(RANK * cols, start),
  b: numbers(rows * RANK, start + 1),
});
const deltasOf = (layer: number, [wide, neurons]: [number, number]): LayerDeltas => ({
  gate: lowRank(neurons, wide, layer),
  up: lowRank(neurons, wide, layer + 1),
  down: lowRank(wide, neurons, layer + 2),
});

function carving(): Carving {
  const layer = (shift: number): Carving['layers'][number] => ({
    order: Uint16Array.from({ length: feedForward }, (_, i) => (i * 3 + shift) % feedForward),
    router: numbers(hidden * ROUTED, shift),
    routerBias: Float32Array.of(0.5, 0, -0.5),
    importance: {
      attentionIn: new Float32Array(hidden).fill(1),
      attentionOut: new Float32Array(hidden).fill(1),
      feedForwardIn: new Float32Array(hidden).fill(1),
      feedForwardMid: new Float32Array(feedForward).fill(1),
    },
  });
  const exact = { readK: null, writeK: null, exactTail: 0, exactHead: 0 };
  const fast = { readK: 1, writeK: null, exactTail: 64, exactHead: 4 };
  return {
    ...{ sharedNeurons: 64, routed: ROUTED, routedNeurons: 64 },
    levels: { exact, fast },
    layers: [layer(0), layer(1)],
  };
}
const calibration = {
  ...{ tokens: 1024, sequenceTokens: 1024, files: 1 },
  ...{ corpusSha256: 'a'.repeat(64), seed: 0 },
};

/** `null` deltas: those that change nothing. */
async function writeDeltas(folder: string, deltas: LayerDeltas[] | null, routers: Carving): Promise<void> {
  const { sha256 } = (JSON.parse(await readFile(join(folder, 'carving.json'), 'utf8')) as CarvingFile).data;
  const halves = (values: Float32Array) => Buffer.from(toHalfBits(values).buffer);
  const bytes = routers.layers.flatMap(({ router, routerBias }, layer) => {
    const { gate, up, down } = deltas?.[layer] ?? deltasOf(layer, [hidden, feedForward]);
    const factors = [gate, up, down].flatMap(({ a, b }) => [a, deltas ? b : new Float32Array(b.length)]);
    return [halves(router), Buffer.from(routerBias.buffer), ...factors.map(halves)];
  });
  await writeSealed(
    folder,
    { json: 'deltas.json', data: 'deltas.bin' },
    Buffer.concat(bytes),
    (data): object => ({
      ...{ format: 1, model: 'tiny', dims, routed: ROUTED, rank: RANK, carvingSha256: sha256 },
      training: { steps: 0, tokens: 0, corpusSha256: 'a'.repeat(64), seed: 0 },
      ...{ data, createdBy: 'test' },
    }),
  );
}
interface CarvingFile {
  data: { sha256: string };
}

describe('convert/deltas', () => {
  let folder: string;
  const at = (...names: string[]) => join(folder, ...names);
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'moebius-deltas-'));
  });
  afterEach(() => rm(folder, { recursive: true }));

  describe('files', () => {
    const small = { layers: 2, hidden: 4, feedForward: 10 };
    beforeEach(() => cp(FIXTURE, folder, { recursive: true }));

    it('reads what tools/distill wrote', async () => {
      const carved = await readCarving(folder, small);
      const trained = await readTrainedCarving(folder, small);
      for (const [i, layer] of trained.layers.entries()) {
        const before = carved.layers[i]!;
        assert.deepEqual(layer.deltas, deltasOf(i, [4, 10]));
        assert.deepEqual(
          layer.router,
          before.router.map(value => value + i + 1),
        );
        assert.deepEqual(layer.routerBias, Float32Array.of(0, 0.1, 0.2));
        assert.deepEqual([layer.order, layer.importance], [before.order, before.importance]);
      }
    });

    it('is the carving alone where nothing was trained', async () => {
      await rm(at('deltas.json'));
      assert.deepEqual(await readTrainedCarving(folder, small), await readCarving(folder, small));
    });

    const edit = async (change: (json: Record<string, never>) => void) => {
      const json = JSON.parse(await readFile(at('deltas.json'), 'utf8'));
      change(json);
      await writeFile(at('deltas.json'), JSON.stringify(json));
    };
    const set = (change: object) => () => edit(json => Object.assign(json, change));
    const spoilt = async (change: (data: Buffer) => Buffer) => {
      const data = change(await readFile(at('deltas.bin')));
      await writeFile(at('deltas.bin'), data);
      const sha256 = createHash('sha256').update(data).digest('hex');
      await edit(json => Object.assign(json['data']!, { sha256, sizeBytes: data.length }));
    };
    const refused: [string, () => Promise<unknown>, string, RegExp][] = [
      ['another format', set({ format: 2 }), 'model-invalid', /format/],
      ['an unknown field', set({ extra: 1 }), 'model-invalid', /extra/],
      ['another model', set({ dims: { ...small, hidden: 5 } }), 'model-invalid', /hidden 5, not 4/],
      ['another carving', set({ carvingSha256: 'b'.repeat(64) }), 'model-invalid', /another carving; train/],
      ['another number of experts', set({ routed: 4 }), 'model-invalid', /4 experts, not 3/],
      ['a rank that the data does not have', set({ rank: 3 }), 'model-invalid', /should have/],
      ['a rank of nothing', set({ rank: 0 }), 'model-invalid', /rank/],
      ['a rank that is not low', set({ rank: 1000 }), 'model-invalid', /rank/],
      ['longer data', () => spoilt(data => Buffer.concat([data, data])), 'model-invalid', /should have/],
      ['damaged data', () => writeFile(at('deltas.bin'), 'x'), 'hash-mismatch', /damaged/],
      ['no data', () => rm(at('deltas.bin')), 'hash-mismatch', /missing/],
      ['an infinite number', () => spoilt(data => data.fill(0x7c, 0, 2)), 'model-invalid', /layer 0.*finite/],
    ];
    for (const [name, spoil, code, message] of refused) {
      it(`refuses ${name}`, async () => {
        await spoil();
        await assert.rejects(readTrainedCarving(folder, small), { name: 'MoebiusError', code, message });
      });
    }
  });

  describe('a converted model', () => {
    /** Converts the tiny model, or the one in `source`, with the recipe that is in the folder; hashes by file. */
    const convert = async (source = 'tiny.gguf') => {
      const manifest = await convertModel({
        source: at(source),
        ...{ sourceSha256: '0'.repeat(64), id: 'tiny', name: 'Tiny', license: 'MIT', variant: 'int4' },
        ...{ carvingFolder: folder, drafterFolder: null, outFolder: at('out') },
      });
      return Object.fromEntries(Object.entries(manifest.files).map(([name, { sha256 }]) => [name, sha256]));
    };
    beforeEach(async () => {
      await writeFile(at('tiny.gguf'), tinyGguf());
      await writeCarving(folder, carving(), { model: 'tiny', dims, calibration, createdBy: 'test' });
    });

    it('is the same model when the deltas are zero', async () => {
      const before = await convert();
      await writeDeltas(folder, null, carving());
      assert.deepEqual(await convert(), before);
    });

    it('routes through W + B A, and keeps its exact graph', async () => {
      const before = await convert();
      const deltas = [0, 1].map(layer => deltasOf(layer, [hidden, feedForward]));
      await writeDeltas(folder, deltas, carving());
      const trained = await convert();

      // The sums by the definition, in a GGUF of their own.
      await rm(at('deltas.json'));
      await writeFile(at('summed.gguf'), await summedGguf(deltas));
      const summed = await convert('summed.gguf');
      assert.equal(trained['routed.data'], summed['routed.data']);
      assert.equal(trained['routed.onnx'], summed['routed.onnx']);
      assert.equal(trained['body.data'], before['body.data']);
      assert.notEqual(trained['routed.data'], before['routed.data']);
      assert.notEqual(trained['body.data'], summed['body.data']);
    });

    it('asks the new router', async () => {
      const other = carving();
      for (const layer of other.layers) {
        layer.router = layer.router.map(value => 2 * value);
        layer.routerBias = layer.routerBias.toReversed();
      }
      await writeDeltas(folder, null, other);
      const trained = await convert();
      await rm(at('deltas.json'));
      await writeCarving(folder, other, { model: 'tiny', dims, calibration, createdBy: 'test' });
      assert.deepEqual(trained, await convert());
    });

    async function summedGguf(deltas: LayerDeltas[]): Promise<Buffer> {
      const bytes = tinyGguf();
      const gguf = await openGguf(at('tiny.gguf'));
      for (const [layer, of] of deltas.entries()) {
        for (const [name, { a, b }] of Object.entries(of)) {
          const tensor = `blk.${layer}.ffn_${name}.weight`;
          const values = await gguf.readTensorF32(tensor);
          const cols = a.length / RANK;
          const at = bytes.indexOf(Buffer.from(values.buffer, values.byteOffset, values.byteLength));
          assert.ok(at > 0, tensor);
          for (let row = 0; row < values.length / cols; row++) {
            for (let col = 0; col < cols; col++) {
              let sum = values[row * cols + col]!;
              for (let r = 0; r < RANK; r++) sum = Math.fround(sum + b[row * RANK + r]! * a[r * cols + col]!);
              bytes.writeFloatLE(sum, at + 4 * (row * cols + col));
            }
          }
        }
      }
      await gguf.close();
      return bytes;
    }
  });

  it('leaves the published values as they are', () => {
    const values = Float32Array.of(1, 2, 3, 4);
    const delta = { rank: 1, a: Float32Array.of(1, 10), b: Float32Array.of(2, 0) };
    assert.deepEqual(withDelta(values, delta), Float32Array.of(3, 22, 3, 4));
    assert.deepEqual(values, Float32Array.of(1, 2, 3, 4));
    assert.equal(withDelta(values, undefined), values);
  });
});
