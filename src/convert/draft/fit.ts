/**
 * Fits a drafter: softmax regression from a token's states and the next token's embedding to what the model takes after
 * both, by Adam (arXiv 1412.6980) on shuffled batches. The loss is convex, so the fit starts from zeros.
 */
import { MoebiusError } from '../../base/errors.ts';
import { seededRandom, shuffled } from '../carve/random.ts';
import { type Matrix, matrix, rowOf, type TensorMath } from '../carve/tensor-math.ts';
import type { DrafterWeights } from '../drafter.ts';

/** What a model did on a text, token by token; several texts follow one another. */
export interface Trace {
  /** [tokens, taps * hidden], if there are any, and [tokens, hidden]: states before normalisation. */
  states: readonly Matrix[];
  /** The text, and what the model takes after each of its tokens [tokens]. */
  tokens: Uint32Array;
  best: Uint32Array;
  /** Place in its text; 0 begins another one. */
  position: Uint32Array;
}

export interface FitOptions {
  taps: readonly number[];
  /** Tokens it can guess: the most frequent of the trace. */
  vocabulary: number;
  epochs: number;
  seed: number;
  /** Rows [ids, hidden] of the model's matrices. */
  headRows(ids: Uint32Array): Promise<Matrix>;
  embeddingRows(ids: Uint32Array): Promise<Matrix>;
  rmsEpsilon: number;
  math: TensorMath;
  onProgress?(fraction: number, message: string): void;
  signal?: AbortSignal;
}

export interface Fit extends DrafterWeights {
  heldOut: { tokens: number; right: number };
}

const BATCH = 512;
/** The last part of the trace, which whole texts fill, is not learned from. */
const HELD_OUT = 0.07;
const LEARNING_RATE = 3e-4;
const WARM_UP = 0.1;
const WEIGHT_DECAY = 0.05;
/** Share of the inputs that are hidden in a batch: a trace has few tokens for so many weights. */
const DROPOUT = 0.1;
const MEAN_DECAY = 0.9;
const SQUARE_DECAY = 0.98;

/** Throws `bad-request` if the trace is too short, `cancelled`. */
export async function fitDrafter(trace: Trace, options: FitOptions): Promise<Fit> {
  const { math, vocabulary, epochs, seed, signal } = options;
  const hidden = trace.states.at(-1)!.columns;
  const count = trace.tokens.length;
  const split = Math.floor(count * (1 - HELD_OUT));
  // Sample i guesses what the model takes after token i + 1, seeing the states of token i.
  const samples = Array.from({ length: count - 1 }, (_, i) => i).filter(i => trace.position[i + 1]! > 0);
  const learned = samples.filter(i => i + 1 < split);
  const heldOut = samples.filter(i => i >= split);
  if (learned.length < BATCH || heldOut.length === 0) {
    throw new MoebiusError('bad-request', `A trace of ${count} tokens is too short to fit a drafter.`);
  }

  const tokens = mostFrequent([trace.tokens.subarray(0, split), trace.best.subarray(0, split)], vocabulary);
  const indexOf = new Map([...tokens].map((token, index) => [token, index]));
  const head = await options.headRows(tokens);
  const gain = inverseDeviations(trace.states, hidden, split, options.rmsEpsilon);
  const inputs = new Inputs(trace, gain, options);
  const weight = new Adam(hidden * hidden * (gain.rows + 1), WEIGHT_DECAY);
  const bias = new Adam(tokens.length, 0);
  const weights = matrix(hidden, hidden * (gain.rows + 1), weight.values);

  const random = seededRandom(seed);
  const steps = epochs * Math.floor(learned.length / BATCH);
  let step = 0;
  for (let epoch = 0; epoch < epochs; epoch++) {
    const order = shuffled(learned, random);
    for (let at = 0; at + BATCH <= order.length; at += BATCH) {
      signal?.throwIfAborted();
      const rows = order.slice(at, at + BATCH);
      const x = await inputs.of(rows);
      hideSome(x.values, random);
      const guess = await math.timesTransposed(x, weights);
      const logits = await math.timesTransposed(guess, head);
      const targets = rows.map(i => indexOf.get(trace.best[i + 1]!) ?? -1);
      const loss = toGradient(logits, bias.values, targets);
      const rate = LEARNING_RATE * oneCycle(step / steps);
      const toGuess = await math.times(logits, head);
      weight.step((await math.transposedTimes(toGuess, x)).values, rate);
      bias.step(columnSums(logits), rate);
      step++;
      options.onProgress?.(step / steps, `Fitting, loss ${loss.toFixed(3)}`);
    }
  }

  let right = 0;
  for (let at = 0; at < heldOut.length; at += BATCH) {
    const rows = heldOut.slice(at, at + BATCH);
    const logits = await math.timesTransposed(
      await math.timesTransposed(await inputs.of(rows), weights),
      head,
    );
    for (const [n, i] of rows.entries()) {
      if (tokens[bestOf(rowOf(logits, n), bias.values)] === trace.best[i + 1]) right++;
    }
  }
  return {
    taps: options.taps,
    tokens,
    bias: bias.values,
    gain: gain.values,
    weight: weight.values,
    heldOut: { tokens: heldOut.length, right: right / heldOut.length },
  };
}

/** The inputs of samples [samples, hidden * (states + 1)]. */
class Inputs {
  readonly #trace: Trace;
  readonly #gain: Matrix;
  readonly #options: FitOptions;

  constructor(trace: Trace, gain: Matrix, options: FitOptions) {
    this.#trace = trace;
    this.#gain = gain;
    this.#options = options;
  }

  async of(samples: readonly number[]): Promise<Matrix> {
    const { states, tokens } = this.#trace;
    const { embeddingRows, rmsEpsilon } = this.#options;
    const hidden = this.#gain.columns;
    const out = matrix(samples.length, hidden * (this.#gain.rows + 1));
    const next = await embeddingRows(Uint32Array.from(samples, i => tokens[i + 1]!));
    for (const [n, i] of samples.entries()) {
      const to = rowOf(out, n);
      for (const [s, row] of statesOf(states, hidden, i).entries()) {
        const gains = rowOf(this.#gain, s);
        const scale = inverseRms(row, rmsEpsilon);
        for (let c = 0; c < hidden; c++) to[s * hidden + c] = row[c]! * scale * gains[c]!;
      }
      const row = rowOf(next, n);
      const scale = inverseRms(row, rmsEpsilon);
      for (let c = 0; c < hidden; c++) to[this.#gain.rows * hidden + c] = row[c]! * scale;
    }
    return out;
  }
}

class Adam {
  readonly values: Float32Array;
  readonly #mean: Float32Array;
  readonly #square: Float32Array;
  readonly #decay: number;
  #steps = 0;

  constructor(size: number, decay: number) {
    this.values = new Float32Array(size);
    this.#mean = new Float32Array(size);
    this.#square = new Float32Array(size);
    this.#decay = decay;
  }

  step(gradient: Float32Array, rate: number): void {
    this.#steps++;
    const { values } = this;
    const mean = this.#mean;
    const square = this.#square;
    const meanScale = 1 / (1 - MEAN_DECAY ** this.#steps);
    const squareScale = 1 / (1 - SQUARE_DECAY ** this.#steps);
    for (let i = 0; i < values.length; i++) {
      const g = gradient[i]!;
      mean[i] = MEAN_DECAY * mean[i]! + (1 - MEAN_DECAY) * g;
      square[i] = SQUARE_DECAY * square[i]! + (1 - SQUARE_DECAY) * g * g;
      const move = (mean[i]! * meanScale) / (Math.sqrt(square[i]! * squareScale) + 1e-8);
      values[i]! -= rate * (move + this.#decay * values[i]!);
    }
  }
}

/** Up over the warm-up, then down along a cosine; 1 at the top. */
function oneCycle(progress: number): number {
  if (progress < WARM_UP) return progress / WARM_UP;
  return (1 + Math.cos((Math.PI * (progress - WARM_UP)) / (1 - WARM_UP))) / 2;
}

/** Ids of the `size` most frequent tokens, ascending; the smaller id where two are equally frequent. */
function mostFrequent(texts: readonly Uint32Array[], size: number): Uint32Array {
  const counts = new Map<number, number>();
  for (const text of texts) for (const token of text) counts.set(token, (counts.get(token) ?? 0) + 1);
  const ordered = [...counts].sort(([a, n], [b, m]) => m - n || a - b);
  return Uint32Array.from(ordered.slice(0, size), ([token]) => token).sort();
}

/** The states of token `row`, f32 [hidden] each. */
function statesOf(states: readonly Matrix[], hidden: number, row: number): Float32Array[] {
  return states.flatMap(state =>
    Array.from({ length: state.columns / hidden }, (_, s) =>
      rowOf(state, row).subarray(s * hidden, (s + 1) * hidden),
    ),
  );
}

/** [states, hidden]: 1 / standard deviation of every channel after RMS normalisation, over the first `rows` rows. */
function inverseDeviations(states: readonly Matrix[], hidden: number, rows: number, epsilon: number): Matrix {
  const out = matrix(statesOf(states, hidden, 0).length, hidden);
  for (let s = 0; s < out.rows; s++) {
    const sums = new Float64Array(hidden);
    const squares = new Float64Array(hidden);
    for (let r = 0; r < rows; r++) {
      const row = statesOf(states, hidden, r)[s]!;
      const scale = inverseRms(row, epsilon);
      for (let c = 0; c < row.length; c++) {
        const value = row[c]! * scale;
        sums[c]! += value;
        squares[c]! += value * value;
      }
    }
    rowOf(out, s).set(sums.map((sum, c) => 1 / (Math.sqrt(squares[c]! / rows - (sum / rows) ** 2) + 1e-3)));
  }
  return out;
}

function inverseRms(row: Float32Array, epsilon: number): number {
  let squares = 0;
  for (const value of row) squares += value * value;
  return 1 / Math.sqrt(squares / row.length + epsilon);
}

/** Zeroes some values in place and scales the others up, so that sums keep their size. */
function hideSome(values: Float32Array, random: () => number): void {
  for (let i = 0; i < values.length; i++) values[i] = random() < DROPOUT ? 0 : values[i]! / (1 - DROPOUT);
}

/** Replaces logits [n, m] by the gradient of their mean cross entropy; a target of -1 has none. Returns the loss. */
function toGradient(logits: Matrix, bias: Float32Array, targets: readonly number[]): number {
  const known = Math.max(1, targets.filter(target => target >= 0).length);
  let loss = 0;
  for (const [n, target] of targets.entries()) {
    const row = rowOf(logits, n);
    if (target < 0) {
      row.fill(0);
      continue;
    }
    let top = Number.NEGATIVE_INFINITY;
    for (let i = 0; i < row.length; i++) {
      row[i]! += bias[i]!;
      top = Math.max(top, row[i]!);
    }
    const own = row[target]! - top;
    let sum = 0;
    for (let i = 0; i < row.length; i++) {
      row[i] = Math.exp(row[i]! - top);
      sum += row[i]!;
    }
    loss += Math.log(sum) - own;
    for (let i = 0; i < row.length; i++) row[i]! /= sum * known;
    row[target]! -= 1 / known;
  }
  return loss / known;
}

function columnSums(of: Matrix): Float32Array {
  const sums = new Float32Array(of.columns);
  for (let r = 0; r < of.rows; r++) {
    const row = rowOf(of, r);
    for (let c = 0; c < row.length; c++) sums[c]! += row[c]!;
  }
  return sums;
}

function bestOf(row: Float32Array, bias: Float32Array): number {
  let best = 0;
  for (let i = 1; i < row.length; i++) if (row[i]! + bias[i]! > row[best]! + bias[best]!) best = i;
  return best;
}
