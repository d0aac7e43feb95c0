import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as ort from 'onnxruntime-node';
import { random, TINY, writeTinyGraph } from '../../support/tiny-model.ts';

const { kvHeads, headDim, heads, hidden, layers } = TINY;
const CAPACITY = 16;

/** Runs a graph over chunks of rows with a cache, as docs/engine.md describes; returns the hidden rows asked for. */
async function run(
  session: ort.InferenceSession,
  x: Float32Array,
  chunks: number[],
  select: number[][],
  k?: number,
) {
  const cache = Array.from({ length: 2 * layers }, () => new Float32Array(kvHeads * CAPACITY * headDim));
  const group = heads / kvHeads;
  const out: number[] = [];
  let at = 0;
  for (const [index, n] of chunks.entries()) {
    const rows = select[index]!;
    const maskPast = new Float32Array(CAPACITY).fill(-1e30).fill(0, 0, at);
    const maskNew = Float32Array.from({ length: group * n * n }, (_, i) =>
      i % n > Math.floor(i / n) % n ? -1e30 : 0,
    );
    const ints = (values: number[], dims: number[]) =>
      new ort.Tensor('int64', BigInt64Array.from(values, BigInt), dims);
    const feeds: Record<string, ort.Tensor> = {
      x: new ort.Tensor('float32', x.slice(at * hidden, (at + n) * hidden), [n, hidden]),
      positions: ints(
        Array.from({ length: n }, (_, i) => at + i),
        [1, n],
      ),
      mask_past: new ort.Tensor('float32', maskPast, [1, 1, 1, CAPACITY]),
      mask_new: new ort.Tensor('float32', maskNew, [1, 1, group * n, n]),
      sizes: ints([CAPACITY, n], [2]),
      select: ints(rows, [rows.length]),
      ...(k === undefined ? {} : { k: ints([k], [1]) }),
    };
    for (let i = 0; i < layers; i++) {
      feeds[`past_k.${i}`] = new ort.Tensor('float32', cache[2 * i]!, [1, kvHeads, CAPACITY, headDim]);
      feeds[`past_v.${i}`] = new ort.Tensor('float32', cache[2 * i + 1]!, [1, kvHeads, CAPACITY, headDim]);
    }
    const result = await session.run(feeds);
    out.push(...(result['hidden']!.data as Float32Array));
    for (let i = 0; i < layers; i++) {
      for (const [j, name] of ['new_k', 'new_v'].entries()) {
        const fresh = result[`${name}.${i}`]!.data as Float32Array;
        for (let h = 0; h < kvHeads; h++) {
          const head = fresh.subarray(h * n * headDim, (h + 1) * n * headDim);
          cache[2 * i + j]!.set(head, (h * CAPACITY + at) * headDim);
        }
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
    assertClose(await run(body, x, [5, 7], [[], last(7)]), whole);
    const single = Array.from({ length: 12 }, (_, i) => (i === 11 ? [0] : []));
    assertClose(await run(body, x, Array(12).fill(1), single), whole);
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
