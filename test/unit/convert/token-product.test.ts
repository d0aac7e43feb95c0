/** Products of 8-bit codes, on the real kernels: against the same graph in float32, and against themselves in other company. */
import assert from 'node:assert/strict';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as ort from 'onnxruntime-node';
import { productsHere } from '../../../src/cli/machine.ts';
import { convertModel } from '../../../src/convert/convert.ts';
import { GraphWriter, type WeightForm } from '../../../src/convert/graph/linear.ts';
import { memoryMatrix } from '../../../src/convert/weights.ts';
import { ModelRunner } from '../../../src/engine/session/model-runner.ts';
import { packGraphs } from '../../../src/engine/session/pack-graphs.ts';
import { stopFlag } from '../../../src/engine/session/stop-flag.ts';
import {
  areTokenProductsExact,
  requireExactProducts,
} from '../../../src/engine/session/token-product-check.ts';
import { ExternalDataWriter, OnnxBuilder } from '../../../src/formats/onnx.ts';
import { familyGolden, writeFamilyCheckpoint } from '../../support/family-checkpoint.ts';
import { random } from '../../support/tiny-model.ts';

const [COLS, ROWS] = [96, 40];

describe('products of 8-bit codes', function () {
  this.timeout(60_000);
  let folder: string;
  before(async function () {
    folder = await mkdtemp(join(tmpdir(), 'moebius-codes-'));
    // Nothing is promised of a processor without VNNI: the engine refuses such a model there.
    if (!(await areTokenProductsExact())) this.skip();
  });
  after(() => rm(folder, { recursive: true, force: true }));

  async function product(form: WeightForm, bias: Float32Array | null): Promise<ort.InferenceSession> {
    const next = random(5);
    const weight = Float32Array.from(
      { length: ROWS * COLS },
      (_, i) => next() * (1 + (i % COLS === 7 ? 4 : 0)),
    );
    const builder = new OnnxBuilder('product', { name: 'test', version: '0' });
    const data = await ExternalDataWriter.create(join(folder, `${form.kind}.data`));
    builder.addInput('x', 'float32', ['n', COLS]);
    const graph = new GraphWriter(builder, data, () => {});
    await graph.linear('y', 'x', memoryMatrix(weight, COLS), form, bias ? { bias } : {});
    builder.addOutput('y', 'float32', ['n', ROWS]);
    await data.close();
    await builder.write(join(folder, `${form.kind}.onnx`));
    return ort.InferenceSession.create(join(folder, `${form.kind}.onnx`));
  }
  const rowsOf = async (session: ort.InferenceSession, x: Float32Array) => {
    const { y } = await session.run({ x: new ort.Tensor('float32', x, [x.length / COLS, COLS]) });
    return y!.data as Float32Array;
  };
  const distance = (a: Float32Array, b: Float32Array) =>
    Math.hypot(...a.map((value, i) => value - b[i]!)) / Math.hypot(...b);

  it('are within two hundredths of the exact ones, each row by a scale of its own', async () => {
    const next = random(9);
    // A row of thousandths between rows of thousands: by one scale for all it would be nothing.
    const sizes = [1, 1000, 0.001];
    const x = Float32Array.from({ length: 3 * COLS }, (_, i) => next() * sizes[Math.floor(i / COLS)]!);
    const [codes, exact] = [await product({ kind: 'w8a8' }, null), await product({ kind: 'f32' }, null)];
    const [found, expected] = [await rowsOf(codes, x), await rowsOf(exact, x)];
    for (let row = 0; row < 3; row++) {
      const part = (values: Float32Array) => values.subarray(row * ROWS, (row + 1) * ROWS);
      const error = distance(part(found), part(expected));
      assert.ok(error < 0.02 && error > 0, `row ${row}: ${error}`);
      const alone = await rowsOf(codes, x.slice(row * COLS, (row + 1) * COLS));
      assert.deepEqual(part(found).slice(), alone.slice(), 'what else is in a run changes nothing');
    }
  });

  it('add a bias behind the scales, and leave nothing but it of a row of zeros', async () => {
    const bias = Float32Array.from({ length: ROWS }, (_, i) => i - 20);
    const x = new Float32Array(2 * COLS).fill(0.25, COLS);
    const found = await rowsOf(await product({ kind: 'w8a8' }, bias), x);
    assert.deepEqual(found.slice(0, ROWS), bias);
    const expected = await rowsOf(await product({ kind: 'f32' }, bias), x);
    assert.ok(distance(found.subarray(ROWS), expected.subarray(ROWS)) < 0.02);
  });

  it('compute the same when they are packed', async () => {
    const golden = familyGolden('qwen2');
    await writeFamilyCheckpoint(join(folder, 'published'), golden);
    const model = join(folder, 'm');
    const manifest = await convertModel({
      ...{ source: join(folder, 'published'), sourceSha256: '0'.repeat(64), id: 'tiny', name: 'Tiny' },
      ...{ license: 'MIT', variant: 'int8', carvingFolder: null, drafterFolder: null, outFolder: model },
    });
    const packed = join(folder, 'packed');
    await mkdir(packed);
    const load = { folder: model, manifest, contextTokens: 64, threads: 1 };
    await packGraphs({ ...load, packed: null, outFolder: packed, stop: stopFlag(undefined) });
    const logits = async (from: string | null) => {
      const runner = await ModelRunner.load({ ...load, packed: from }, () => {});
      try {
        const tokens = golden.tokens;
        const run = { sequence: 1, at: 0, tokens, experts: null, logitRows: 1, draftAbove: null };
        return (await runner.forward(run)).logits!;
      } finally {
        await runner.release();
      }
    };
    assert.deepEqual(await logits(packed), await logits(null));
  });
});

describe('a processor that multiplies 8-bit codes wrongly', () => {
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'moebius-codes-'));
  });
  afterEach(() => rm(folder, { recursive: true, force: true }));

  it('has 8 bits in blocks, of trained experts too', async () => {
    assert.equal(await productsHere('int8', async () => false), 'blocks');
    for (const family of ['qwen2', 'qwen3_moe', 'gpt_oss']) {
      const golden = familyGolden(family);
      const model = join(folder, family);
      await writeFamilyCheckpoint(join(folder, 'published'), golden);
      const { products } = await convertModel({
        ...{ source: join(folder, 'published'), sourceSha256: '0'.repeat(64), id: 'tiny', name: 'Tiny' },
        ...{ license: 'MIT', variant: 'int8', carvingFolder: null, drafterFolder: null, outFolder: model },
        products: 'blocks',
      });
      assert.equal(products, 'blocks');
      await requireExactProducts(join(model, 'body.onnx'), async () => false);
      await rm(join(folder, 'published'), { recursive: true });
    }
  });

  it('is given no model of such products, and any other', async () => {
    const path = join(folder, 'body.onnx');
    const wrong = async () => false;
    await writeFile(path, 'MatMulNBits');
    await requireExactProducts(path, wrong);
    await writeFile(path, `${await readFile(path)} MatMulIntegerToFloat`);
    await requireExactProducts(path, async () => true);
    await assert.rejects(requireExactProducts(path, wrong), {
      code: 'unsupported',
      message: /--variant int4/,
    });
  });
});
