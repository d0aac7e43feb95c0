/** The attention half of a layer over one whole sequence, in float32: slow, exact, without a cache. */
import type { ModelDims } from '../../models/manifest.ts';
import type { Rope } from '../rope.ts';
import { addToRows, type Matrix, matrix, rowOf, type TensorMath } from './tensor-math.ts';

/** One layer's attention weights in memory, [outputs, inputs] as published. */
export interface AttentionMatrices {
  norm: Float32Array;
  qkv: Matrix;
  bias: Float32Array | null;
  /** RMSNorm weights of queries and keys, see GroupedAttention. */
  norms: { query: Float32Array; key: Float32Array } | null;
  rope: Rope;
  output: Matrix;
  outputBias: Float32Array | null;
}

export interface AttentionPass {
  /** Normed input of the projections [n, hidden]. */
  input: Matrix;
  /** Input of the output projection [n, heads * headDim]. */
  mixed: Matrix;
  /** What the layer adds to its input [n, hidden]. */
  output: Matrix;
}

export async function attention(
  math: TensorMath,
  dims: ModelDims,
  weights: AttentionMatrices,
  states: Matrix,
): Promise<AttentionPass> {
  const { heads, kvHeads, headDim } = dims;
  const n = states.rows;
  const input = rmsNorm(states, weights.norm, dims.rmsEpsilon);
  const qkv = await math.timesTransposed(input, weights.qkv);
  if (weights.bias) addToRows(qkv, weights.bias);
  if (weights.norms) {
    normRuns(qkv, 0, heads * headDim, weights.norms.query, dims.rmsEpsilon);
    normRuns(qkv, heads * headDim, kvHeads * headDim, weights.norms.key, dims.rmsEpsilon);
  }
  rotate(qkv, heads + kvHeads, headDim, weights.rope);
  const mixed = matrix(n, heads * headDim);
  const group = heads / kvHeads;
  for (let kv = 0; kv < kvHeads; kv++) {
    const asked = stackHeads(qkv, kv * group, group, headDim);
    const scores = await math.timesTransposed(asked, stackHeads(qkv, heads + kv, 1, headDim));
    causalSoftmax(scores, n, 1 / Math.sqrt(headDim));
    const values = stackHeads(qkv, heads + kvHeads + kv, 1, headDim);
    unstackHeads(mixed, await math.times(scores, values), kv * group, group);
  }
  const output = await math.timesTransposed(mixed, weights.output);
  if (weights.outputBias) addToRows(output, weights.outputBias);
  return { input, mixed, output };
}

/** x / sqrt(mean(x^2) + epsilon) * weight, row by row. */
export function rmsNorm(x: Matrix, weight: Float32Array, epsilon: number): Matrix {
  const out = matrix(x.rows, x.columns);
  for (let row = 0; row < x.rows; row++) {
    const from = rowOf(x, row);
    const to = rowOf(out, row);
    let squares = 0;
    for (const value of from) squares += value * value;
    const scale = 1 / Math.sqrt(squares / x.columns + epsilon);
    for (let i = 0; i < to.length; i++) to[i] = from[i]! * scale * weight[i]!;
  }
  return out;
}

/** RMSNorm in place of columns `from .. from + width`, in runs as wide as `weight`. */
function normRuns(x: Matrix, from: number, width: number, weight: Float32Array, epsilon: number): void {
  for (let row = 0; row < x.rows; row++) {
    for (let at = from; at < from + width; at += weight.length) {
      const run = rowOf(x, row).subarray(at, at + weight.length);
      let squares = 0;
      for (const value of run) squares += value * value;
      const scale = 1 / Math.sqrt(squares / run.length + epsilon);
      for (let i = 0; i < run.length; i++) run[i]! *= scale * weight[i]!;
    }
  }
}

/** RoPE in place on the first `heads` heads of [n, h * headDim], position = row; channel i turns with channel i + pairs. */
function rotate(x: Matrix, heads: number, headDim: number, { frequencies, scale }: Rope): void {
  const pairs = frequencies.length;
  for (let row = 0; row < x.rows; row++) {
    const values = rowOf(x, row);
    for (let i = 0; i < pairs; i++) {
      const angle = row * frequencies[i]!;
      const cos = Math.cos(angle) * scale;
      const sin = Math.sin(angle) * scale;
      for (let at = i; at < heads * headDim; at += headDim) {
        const a = values[at]!;
        const b = values[at + pairs]!;
        values[at] = a * cos - b * sin;
        values[at + pairs] = b * cos + a * sin;
      }
    }
  }
}

/** Heads `first .. first + count` of [n, h * headDim] below one another: [count * n, headDim]. */
function stackHeads(x: Matrix, first: number, count: number, headDim: number): Matrix {
  const out = matrix(count * x.rows, headDim);
  for (let head = 0; head < count; head++) {
    for (let row = 0; row < x.rows; row++) {
      const from = (first + head) * headDim;
      rowOf(out, head * x.rows + row).set(rowOf(x, row).subarray(from, from + headDim));
    }
  }
  return out;
}

function unstackHeads(into: Matrix, stacked: Matrix, first: number, count: number): void {
  for (let head = 0; head < count; head++) {
    for (let row = 0; row < into.rows; row++) {
      rowOf(into, row).set(rowOf(stacked, head * into.rows + row), (first + head) * stacked.columns);
    }
  }
}

/** In place on [count * n, n]: row r sees columns 0 .. r % n. */
function causalSoftmax(scores: Matrix, n: number, scale: number): void {
  for (let row = 0; row < scores.rows; row++) {
    const values = rowOf(scores, row);
    const seen = (row % n) + 1;
    let largest = Number.NEGATIVE_INFINITY;
    for (let i = 0; i < seen; i++) largest = Math.max(largest, values[i]!);
    let sum = 0;
    for (let i = 0; i < seen; i++) {
      values[i] = Math.exp((values[i]! - largest) * scale);
      sum += values[i]!;
    }
    for (let i = 0; i < seen; i++) values[i]! /= sum;
    values.fill(0, seen);
  }
}
