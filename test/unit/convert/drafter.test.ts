/** A drafter's files, and its graph against what tools/distill computes (test/reference/drafter_golden.py). */
import assert from 'node:assert/strict';
import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Tensor } from 'onnxruntime-node';
import type { DenseFeedForward } from '../../../src/convert/architectures/decoder.ts';
import { Config } from '../../../src/convert/config.ts';
import { readDrafter } from '../../../src/convert/drafter.ts';
import { allExperts } from '../../../src/convert/experts.ts';
import { GraphWriter } from '../../../src/convert/graph/linear.ts';
import { fusedExperts } from '../../../src/convert/graph/moe-block.ts';
import { nextTokenDrafter } from '../../../src/convert/graph/next-token.ts';
import { ropeOf } from '../../../src/convert/rope.ts';
import { memoryMatrix } from '../../../src/convert/weights.ts';
import type { Embedding } from '../../../src/engine/session/embedding.ts';
import { GraphSession } from '../../../src/engine/session/graph-session.ts';
import { type Guess, NextTokenDrafter } from '../../../src/engine/session/next-token-drafter.ts';
import { StateTail } from '../../../src/engine/session/state-tail.ts';
import { ExternalDataWriter, OnnxBuilder } from '../../../src/formats/onnx.ts';
import { TINY } from '../../support/tiny-model.ts';

const FIXTURE = join(__dirname, '../../fixtures/drafter');
const ROWS = 5;
const dims = { ...TINY, layers: 3, hidden: 64, heads: 4, kvHeads: 2, headDim: 16, vocab: 40 };
const f32 = { kind: 'f32' } as const;

/** Rows of the identity: the logit of token t is the t-th channel of what was guessed. */
function head() {
  const rows = new Float32Array(dims.vocab * dims.hidden);
  for (let token = 0; token < dims.vocab; token++) rows[token * dims.hidden + token] = 1;
  return memoryMatrix(rows, dims.hidden);
}

describe('convert/drafter', () => {
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'moebius-drafter-'));
    await cp(FIXTURE, folder, { recursive: true });
  });
  afterEach(() => rm(folder, { recursive: true, force: true }));

  async function open(): Promise<GraphSession> {
    const drafter = await readDrafter(folder, dims, head());
    const builder = new OnnxBuilder('drafter', { name: 'test', version: '0' });
    const data = await ExternalDataWriter.create(join(folder, 'g.data'));
    const rope = ropeOf(new Config({ rope_theta: 10_000 }, 'test'), dims.headDim);
    await nextTokenDrafter(
      new GraphWriter(builder, data, () => {}),
      { dims, rope, mixerForm: f32 },
      drafter,
      (writer, _, name, x) =>
        fusedExperts(writer, name, x, allExperts(drafter.layer.feedForward as DenseFeedForward, undefined), {
          ...{ gateUp: f32, down: f32 },
        }),
      f32,
    );
    await data.close();
    await builder.write(join(folder, 'g.onnx'));
    return GraphSession.open(join(folder, 'g.onnx'), 1);
  }

  /** The guesses after each row, with the first `together` rows read at once and the others one by one. */
  async function guesses(session: GraphSession, golden: Golden, together: number) {
    const embedding = {
      rows: (tokens: number[]) =>
        Float32Array.from(
          tokens.flatMap(token => golden.embedding.slice(token * dims.hidden, (token + 1) * dims.hidden)),
        ),
    } as Embedding;
    const drafter = new NextTokenDrafter(session, dims, embedding);
    const rows = drafter.newRows(ROWS + 3);
    const states = new StateTail();
    const found: Guess[][] = [];
    for (let from = 0; from < ROWS; ) {
      const to = from === 0 ? together : from + 1;
      const part = (of: number[]) =>
        new Tensor('float32', Float32Array.from(of.slice(from * dims.hidden, to * dims.hidden)), [
          to - from,
          dims.hidden,
        ]);
      // Tokens 0 .. to - 1 were run; token `to` follows.
      if (from === 0) {
        states.set({}, 0);
        const known = Array.from({ length: to }, (_, i) => i);
        await drafter.read(rows, states, 0, known, []);
      }
      states.set({ hidden: part(golden.hidden), taps: part(golden.taps) }, to);
      const read = await drafter.read(rows, states, to, [to], [0, 0, 0]);
      assert.equal(read?.position, to + 1);
      found.push(read!.guesses);
      from = to;
    }
    return found;
  }

  it('guesses in its graph what the layer that was trained guesses, row by row and several at once', async () => {
    const golden: Golden = JSON.parse(await readFile(join(FIXTURE, 'golden.json'), 'utf8'));
    const session = await open();
    for (const together of [1, 3, ROWS]) {
      const found = await guesses(session, golden, together);
      for (const [n, guessed] of found.entries()) {
        const row = together - 1 + n;
        assert.equal(guessed.length, golden.guesses.length);
        for (const [i, { token, probability }] of guessed.entries()) {
          const where = `${together} together, row ${row}, guess ${i}`;
          assert.equal(token, golden.guesses[i]!.token[row], where);
          assert.ok(Math.abs(probability - golden.guesses[i]!.probability[row]!) < 1e-4, where);
        }
      }
      assert.equal(found.length, ROWS - together + 1);
    }
    await session.release();
  });

  const edit = (path: string, value: unknown) => async () => {
    const file = join(folder, 'drafter.json');
    const json = JSON.parse(await readFile(file, 'utf8'));
    const keys = path.split('.');
    const last = keys.pop()!;
    // biome-ignore lint/suspicious/noExplicitAny: a path into untyped JSON
    keys.reduce((node: any, key) => node[key], json)[last] = value;
    await writeFile(file, JSON.stringify(json));
  };
  const refused: [string, () => Promise<unknown>, string, RegExp][] = [
    ['no description', () => rm(join(folder, 'drafter.json')), 'not-found', /There is no .*drafter\.json/],
    ['another format', edit('format', 1), 'model-invalid', /format/],
    ['another model', edit('dims.vocab', 17), 'model-invalid', /vocab 17, not 40/],
    ['a layer that is not there', edit('taps', [3]), 'model-invalid', /layers/],
    ['layers out of order', edit('taps', [2, 1]), 'model-invalid', /layers/],
    ['more tokens than data', edit('vocabulary', 9), 'model-invalid', /should have/],
    ['more neurons than data', edit('neurons', 128), 'model-invalid', /should have/],
    ['neurons that are no whole block', edit('neurons', 90), 'model-invalid', /multiples of 32/],
    ['data outside the folder', edit('data.file', '../x.bin'), 'model-invalid', /data\.file/],
    ['no data', () => rm(join(folder, 'drafter.bin')), 'hash-mismatch', /missing or damaged/],
    ['wrong hash', edit('data.sha256', 'b'.repeat(64)), 'hash-mismatch', /damaged/],
  ];
  for (const [name, spoil, code, message] of refused) {
    it(`refuses ${name}`, async () => {
      await spoil();
      await assert.rejects(readDrafter(folder, dims, head()), { name: 'MoebiusError', code, message });
    });
  }

  it('refuses tokens that the model does not have', async () => {
    await edit('dims.vocab', 39)();
    const narrow = { ...dims, vocab: 39 };
    await assert.rejects(readDrafter(folder, narrow, head()), { code: 'model-invalid', message: /tokens/ });
  });
});

interface Golden {
  /** f32 [vocab, hidden] */
  embedding: number[];
  /** f32 [rows, hidden] each; row i is followed by token i + 1. */
  taps: number[];
  hidden: number[];
  /** The first guess after each row, and those that follow if all before them are right; probabilities are of all together. */
  guesses: { token: number[]; probability: number[] }[];
}
