import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as ort from 'onnxruntime-node';
import { random, TINY, writeTinyGraph } from '../../support/tiny-model.ts';

const { kvHeads, headDim, heads, hidden, layers } = TINY;

/** Runs a graph over chunks of rows with a cache, as docs/engine.md describes; returns the hidden rows asked for. */
async function run(
  session: ort.InferenceSession,
  x: Float32Array,
  chunks: number[],
  select: number[][],
  k?: number,
) {
  const width = kvHeads * headDim;
  // One masked row stands for an empty past.
  const cache = Array.from({ length: 2 * layers }, () => new Float32Array(width));
  const group = heads / kvHeads;
  const out: number[] = [];
  let at = 0;
  for (const [index, n] of chunks.entries()) {
    const rows = select[index]!;
    const past = Math.max(at, 1);
    const isSeen = (row: number, column: number) => (column < past ? at > 0 : column - past <= row);
    const mask = (of: number[]) =>
      new ort.Tensor(
        'float32',
        Float32Array.from(
          of.flatMap(row =>
            Array.from({ length: group * (past + n) }, (_, i) => (isSeen(row, i % (past + n)) ? 0 : -1e30)),
          ),
        ),
        [of.length * group, past + n],
      );
    const ints = (values: number[], dims: number[]) =>
      new ort.Tensor('int64', BigInt64Array.from(values, BigInt), dims);
    const all = Array.from({ length: n }, (_, i) => i);
    const feeds: Record<string, ort.Tensor> = {
      x: new ort.Tensor('float32', x.slice(at * hidden, (at + n) * hidden), [n, hidden]),
      positions: ints(
        all.map(i => at + i),
        [1, n],
      ),
      mask: mask(all),
      mask_selected: mask(rows),
      sizes: ints([past, n], [2]),
      select: ints(rows, [rows.length]),
      ...(k === undefined ? {} : { k: ints(Array(layers).fill(k), [layers]) }),
    };
    for (let i = 0; i < layers; i++) {
      feeds[`past_k.${i}`] = new ort.Tensor('float32', cache[2 * i]!, [past, kvHeads, headDim]);
      feeds[`past_v.${i}`] = new ort.Tensor('float32', cache[2 * i + 1]!, [past, kvHeads, headDim]);
    }
    const result = await session.run(feeds);
    out.push(...(result['hidden']!.data as Float32Array));
    for (let i = 0; i < layers; i++) {
      for (const [j, name] of ['new_k', 'new_v'].entries()) {
        const fresh = result[`${name}.${i}`]!.data as Float32Array;
        const grown = new Float32Array((at + n) * width);
        grown.set(cache[2 * i + j]!.subarray(0, at * width));
        grown.set(fresh, at * width);
        cache[2 * i + j] = grown;
      }
    }
    at += n;
  }
  return out;
}

function assertClose(actual: number[], expected: number[]) {
  assert.equal(actual.length, expected.length);
  for (const [i, value] of actual.entries()) {
    assert.ok(
      Math.abs(value - expected[i]!) < 1e-4 * (1 + Math.abs(expected[i]!)),
      `${i}: ${value} != ${expected[i]}`,
    );
  }
}

describe('transformer graph', () => {
  let folder = '';
  let body: ort.InferenceSession;
  let routed: ort.InferenceSession;
  const next = random(7);
  const x = Float32Array.from({ length: 12 * hidden }, () => next());
  const last = (n: number) => [n - 1];
  let whole: number[];

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'moebius-graph-'));
    body = await ort.InferenceSession.create(await writeTinyGraph(folder, 'body'));
    routed = await ort.InferenceSession.create(await writeTinyGraph(folder, 'routed'));
    whole = await run(body, x, [12], [last(12)]);
  });
  after(async () => {
    await body.release();
    await routed.release();
    await rm(folder, { recursive: true });
  });

  it('gives the same row read at once, in chunks and token by token', async () => {
    const end = (rows: number[]) => rows.slice(-hidden);
    assertClose(end(await run(body, x, [5, 7], [[0], last(7)])), whole);
    assertClose(end(await run(body, x, Array(12).fill(1), Array(12).fill([0]))), whole);
  });

  it('gives any selected rows in the order asked for', async () => {
    const all = await run(body, x, [12], [Array.from({ length: 12 }, (_, i) => i)]);
    const two = await run(body, x, [12], [[11, 3]]);
    assertClose(two, [...all.slice(11 * hidden), ...all.slice(3 * hidden, 4 * hidden)]);
  });

  it('equals the dense layer when all routed experts are active', async () => {
    assertClose(await run(routed, x, [12], [last(12)], 4), whole);
    assertClose(await run(routed, x, [11, 1], [[10], [0]], 4).then(rows => rows.slice(hidden)), whole);
  });

  it('is another model with fewer experts', async () => {
    const sparse = await run(routed, x, [12], [last(12)], 1);
    const distance = Math.hypot(...sparse.map((value, i) => value - whole[i]!));
    assert.ok(distance > 0.01 * Math.hypot(...whole), `only ${distance} away`);
  });
});
