/** The feed-forward half of a layer on calibration sequences, and what it tells about neurons and experts. */
import { pickColumns } from '../weights.ts';
import type { ExpertSizes } from './partition.ts';
import type { RouterSamples } from './router.ts';
import { addTo, type Matrix, matrix, rowNorms, rowOf, type TensorMath } from './tensor-math.ts';

/** gate, up [feedForward, hidden] and down [hidden, feedForward], as published. */
export interface FeedForwardMatrices {
  gate: Matrix;
  up: Matrix;
  down: Matrix;
}

/** One sequence of n tokens seen by the layer. */
export interface FeedForwardTrace {
  /** Normed input [n, hidden]. */
  input: Matrix;
  /** silu(gate) * up [n, feedForward] */
  middle: Matrix;
  /** Length of the hidden state after the layer [n]. */
  stateNorms: Float32Array;
}

/** A token's error is measured against its hidden state; very short states (first tokens) must not rule the fit. */
const MAX_WEIGHT = 10;
/** Keeps the logarithm of an expert that says nothing finite, as a part of the hidden state's length. */
const FLOOR = 1e-5;

/** Runs the dense block on `input`, adds its output to `states` [n, hidden]. */
export async function feedForward(
  math: TensorMath,
  weights: FeedForwardMatrices,
  input: Matrix,
  states: Matrix,
): Promise<FeedForwardTrace> {
  const middle = await math.timesTransposed(input, weights.gate);
  const up = await math.timesTransposed(input, weights.up);
  for (let i = 0; i < middle.values.length; i++) {
    const gate = middle.values[i]!;
    middle.values[i] = (gate / (1 + Math.exp(-gate))) * up.values[i]!;
  }
  addTo(states.values, (await math.timesTransposed(middle, weights.down)).values);
  return { input, middle, stateNorms: rowNorms(states) };
}

/** Mean over tokens of |middle| * |down column| / |state|: how far each neuron moves the hidden state [feedForward]. */
export function neuronInfluence(traces: readonly FeedForwardTrace[], down: Matrix): Float64Array {
  const influence = new Float64Array(down.columns);
  let tokens = 0;
  for (const { middle, stateNorms } of traces) {
    for (let row = 0; row < middle.rows; row++) {
      const values = rowOf(middle, row);
      for (let i = 0; i < values.length; i++) influence[i]! += Math.abs(values[i]!) / stateNorms[row]!;
    }
    tokens += middle.rows;
  }
  const squares = new Float64Array(down.columns);
  for (let row = 0; row < down.rows; row++) {
    const values = rowOf(down, row);
    for (let i = 0; i < values.length; i++) squares[i]! += values[i]! * values[i]!;
  }
  return influence.map((sum, i) => (sum / tokens) * Math.sqrt(squares[i]!));
}

/**
 * What the router learns: for each token the logarithm of the length of every expert's output, less the token's mean, so
 * that only the ranking counts. `onExpert` is called after each expert.
 */
export async function routerSamples(
  math: TensorMath,
  traces: readonly FeedForwardTrace[],
  down: Matrix,
  order: Uint16Array,
  sizes: ExpertSizes,
  onExpert: () => void,
): Promise<RouterSamples[]> {
  const weights = tokenWeights(traces);
  const samples = traces.map(({ input, middle }, index) => ({
    inputs: input,
    targets: matrix(middle.rows, sizes.routed),
    weights: weights[index]!,
  }));
  for (let expert = 0; expert < sizes.routed; expert++) {
    const first = sizes.sharedNeurons + expert * sizes.routedNeurons;
    const neurons = order.subarray(first, first + sizes.routedNeurons);
    const columns = matrix(down.rows, neurons.length, pickColumns(down.values, down.columns, neurons));
    // |down @ h|^2 = h^T (down^T down) h: the small square matrix is several times cheaper than the outputs.
    const square = await math.transposedTimes(columns, columns);
    for (const [index, { middle, stateNorms }] of traces.entries()) {
      const part = matrix(middle.rows, neurons.length, pickColumns(middle.values, middle.columns, neurons));
      const turned = await math.times(part, square);
      for (let row = 0; row < part.rows; row++) {
        const length = Math.sqrt(Math.max(0, dot(rowOf(part, row), rowOf(turned, row))));
        rowOf(samples[index]!.targets, row)[expert] = Math.log(length + FLOOR * stateNorms[row]!);
      }
    }
    onExpert();
  }
  for (const { targets } of samples) for (let row = 0; row < targets.rows; row++) centre(rowOf(targets, row));
  return samples;
}

/** 1 / |state|^2 over its mean, capped; one array per trace. */
function tokenWeights(traces: readonly FeedForwardTrace[]): Float32Array[] {
  let sum = 0;
  let tokens = 0;
  for (const { stateNorms } of traces) {
    for (const norm of stateNorms) sum += 1 / (norm * norm);
    tokens += stateNorms.length;
  }
  const mean = sum / tokens;
  return traces.map(({ stateNorms }) =>
    stateNorms.map(norm => Math.min(MAX_WEIGHT, 1 / (norm * norm * mean))),
  );
}

function dot(a: Float32Array, b: Float32Array): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += a[i]! * b[i]!;
  return sum;
}

function centre(values: Float32Array): void {
  let mean = 0;
  for (const value of values) mean += value / values.length;
  for (let i = 0; i < values.length; i++) values[i]! -= mean;
}
