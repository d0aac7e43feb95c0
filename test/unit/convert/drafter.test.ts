/** Fitting a drafter, its files, and its graph against the same sums in JavaScript. */
import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { InferenceSession, Tensor } from 'onnxruntime-node';
import { seededRandom } from '../../../src/convert/carve/random.ts';
import { type Matrix, matrix, rowOf } from '../../../src/convert/carve/tensor-math.ts';
import { type Fit, fitDrafter, type Trace } from '../../../src/convert/draft/fit.ts';
import { writeDrafter } from '../../../src/convert/draft/writer.ts';
import { readDrafter } from '../../../src/convert/drafter.ts';
import { drafter } from '../../../src/convert/graph/drafter.ts';
import { GraphWriter } from '../../../src/convert/graph/linear.ts';
import { memoryMatrix } from '../../../src/convert/weights.ts';
import { OnnxTensorMath } from '../../../src/engine/session/tensor-math.ts';
import { ExternalDataWriter, OnnxBuilder } from '../../../src/formats/onnx.ts';
import { TINY } from '../../support/tiny-model.ts';

const HIDDEN = 128;
const VOCAB = 16;
const dims = { ...TINY, hidden: HIDDEN, vocab: VOCAB, layers: 3 };
const random = seededRandom(5);
const noise = (rows: number) => {
  const out = matrix(rows, HIDDEN);
  for (let i = 0; i < out.values.length; i++) out.values[i] = random() - 0.5;
  return out;
};
const HEAD = noise(VOCAB);
const EMBEDDING = noise(VOCAB);
const rowsOf = (table: Matrix) => async (ids: Uint32Array) => {
  const out = matrix(ids.length, HIDDEN);
  for (const [row, id] of ids.entries()) rowOf(out, row).set(rowOf(table, id));
  return out;
};

/** A text in which the token after next is the one that the tapped state points at, twelve of the sixteen being in use. */
function trace(count: number): Trace {
  const tokens = Uint32Array.from({ length: count }, () => Math.floor(random() * 12));
  const best = Uint32Array.from({ length: count }, (_, i) => tokens[i + 1] ?? 0);
  const tap = noise(count);
  for (let i = 0; i < count; i++) {
    const sign = rowOf(EMBEDDING, best[i + 1] ?? 0);
    for (let c = 0; c < HIDDEN; c++) rowOf(tap, i)[c]! += sign[c]!;
  }
  return {
    states: [tap, noise(count)],
    ...{ tokens, best },
    position: Uint32Array.from({ length: count }, (_, i) => i % 500),
  };
}

describe('convert/drafter', function () {
  this.timeout(60_000);
  let folder: string;
  let fit: Fit;
  const origin = {
    ...{ model: 'tiny', createdBy: 'test', calibration: { tokens: 6000 } },
    dims: { layers: dims.layers, hidden: HIDDEN, vocab: VOCAB },
  };

  before(async () => {
    const math = await OnnxTensorMath.create(2);
    fit = await fitDrafter(trace(6000), {
      ...{ taps: [1], vocabulary: 12, epochs: 6, seed: 1, rmsEpsilon: dims.rmsEpsilon, math },
      headRows: rowsOf(HEAD),
      embeddingRows: rowsOf(EMBEDDING),
    });
    await math.dispose();
  });
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'moebius-drafter-'));
    await writeDrafter(folder, fit, origin);
  });
  afterEach(() => rm(folder, { recursive: true, force: true }));

  it('learns what the states tell, on tokens that it has not seen', () => {
    assert.ok(fit.heldOut.tokens > 300);
    assert.ok(fit.heldOut.right > 0.8, `only ${fit.heldOut.right} right`);
    assert.equal(fit.tokens.length, 12);
  });

  it('reads back what was written, to 8 bits', async () => {
    const read = await readDrafter(folder, dims);
    assert.deepEqual([...read.tokens], [...fit.tokens]);
    assert.deepEqual([...read.bias], [...fit.bias]);
    assert.deepEqual([...read.gain], [...fit.gain]);
    for (let block = 0; block < read.weight.length; block += 128) {
      const largest = Math.max(...fit.weight.subarray(block, block + 128).map(Math.abs));
      for (let i = block; i < block + 128; i++) {
        assert.ok(Math.abs(read.weight[i]! - fit.weight[i]!) <= largest / 128 + 1e-9, `weight ${i}`);
      }
    }
  });

  it('guesses in its graph what its sums say', async () => {
    const read = await readDrafter(folder, dims);
    const builder = new OnnxBuilder('drafter', { name: 'test', version: '0' });
    const data = await ExternalDataWriter.create(join(folder, 'g.data'));
    const head = memoryMatrix(HEAD.values, HIDDEN);
    await drafter(new GraphWriter(builder, data, () => {}), dims, read, head, { kind: 'f32' });
    await data.close();
    await builder.write(join(folder, 'g.onnx'));
    const session = await InferenceSession.create(join(folder, 'g.onnx'));
    for (let n = 0; n < 5; n++) {
      const [tap, hidden, next] = [noise(1), noise(1), noise(1)];
      const tensor = (of: Matrix) => new Tensor('float32', of.values, [1, HIDDEN]);
      const got = await session.run({ taps: tensor(tap!), hidden: tensor(hidden!), next: tensor(next!) });
      const unit = (of: Matrix) => {
        const mean = of.values.reduce((sum, value) => sum + value * value, 0) / HIDDEN;
        return [...of.values].map(value => value / Math.sqrt(mean + dims.rmsEpsilon));
      };
      const x = [
        ...[...unit(tap!), ...unit(hidden!)].map((value, i) => value * read.gain[i]!),
        ...unit(next!),
      ];
      const dot = (a: ArrayLike<number>, b: ArrayLike<number>) =>
        Array.from(a).reduce((sum, value, i) => sum + value * b[i]!, 0);
      const z = Array.from({ length: HIDDEN }, (_, row) =>
        dot(x, read.weight.subarray(row * x.length, (row + 1) * x.length)),
      );
      const logits = [...read.tokens].map((token, i) => dot(z, rowOf(HEAD, token)) + read.bias[i]!);
      const best = logits.indexOf(Math.max(...logits));
      const total = logits.reduce((sum, logit) => sum + Math.exp(logit - logits[best]!), 0);
      assert.equal(Number(got.token!.data[0]), read.tokens[best]);
      assert.ok(Math.abs((got.probability!.data[0] as number) - 1 / total) < 1e-4);
    }
    await session.release();
  });

  const edit = async (change: (json: Record<string, never>) => void) => {
    const path = join(folder, 'drafter.json');
    const json = JSON.parse(await readFile(path, 'utf8'));
    change(json);
    await writeFile(path, JSON.stringify(json));
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
    ['no description', () => rm(join(folder, 'drafter.json')), 'not-found', /There is no .*drafter\.json/],
    ['another format', set('format', 2), 'model-invalid', /format/],
    ['another model', set('dims.vocab', 17), 'model-invalid', /vocab 17, not 16/],
    ['a layer that is not there', set('taps', [3]), 'model-invalid', /layer/],
    ['more tokens than data', set('vocabulary', 13), 'model-invalid', /should have/],
    ['data outside the folder', set('data.file', '../x.bin'), 'model-invalid', /data\.file/],
    ['no data', () => rm(join(folder, 'drafter.bin')), 'hash-mismatch', /missing or damaged/],
    ['wrong hash', set('data.sha256', 'b'.repeat(64)), 'hash-mismatch', /damaged/],
  ];
  for (const [name, spoil, code, message] of refused) {
    it(`refuses ${name}`, async () => {
      await spoil();
      await assert.rejects(readDrafter(folder, dims), { name: 'MoebiusError', code, message });
    });
  }

  it('refuses a token that the model does not have', async () => {
    await writeDrafter(
      folder,
      { ...fit, tokens: fit.tokens.map((token, i) => (i === 0 ? 99 : token)) },
      origin,
    );
    await assert.rejects(readDrafter(folder, dims), { code: 'model-invalid', message: /tokens/ });
  });
});
