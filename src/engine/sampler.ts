/** Chooses the next token from a row of logits. Stages in the order of Hugging Face: temperature, top-k, top-p, min-p. */
import { MoebiusError } from '../base/errors.ts';
import type { SamplingParams } from '../protocol/daemon.ts';
import type { TokenMask } from './grammar/wire.ts';
import { seededRandom } from './random.ts';

export interface Choice {
  token: number;
  /** Natural log of the token's probability under the model (temperature 1, nothing cut off); 0 if not asked for. */
  logProb: number;
}

/** Under e^-16 of the likeliest token: even 150,000 such tokens together stay under 1.7 % of it, mostly far less. */
const NEGLIGIBLE = -16;
const DEFAULT_TOP_K = 40;

type Settings = Pick<SamplingParams, 'temperature' | 'topK' | 'topP' | 'minP' | 'seed'>;

export class Sampler {
  readonly #temperature: number;
  readonly #topK: number;
  readonly #topP: number;
  readonly #minP: number;
  readonly #random: () => number;
  readonly #banned: Int32Array;
  readonly #vocab: number;
  readonly #wantLogProb: boolean;

  /**
   * `banned` ids are never chosen, nor any id from `vocab` on (logits may be padded).
   * `temperature` 0 (the default) is greedy; `topK` 0 is no limit, its default 40. `wantLogProb` costs another pass.
   */
  constructor(settings: Settings, banned: Iterable<number>, vocab: number, wantLogProb = false) {
    this.#temperature = settings.temperature ?? 0;
    this.#topK = settings.topK ?? DEFAULT_TOP_K;
    this.#topP = settings.topP ?? 1;
    this.#minP = settings.minP ?? 0;
    this.#random = seededRandom(settings.seed ?? Math.floor(Math.random() * 2 ** 32));
    this.#banned = Int32Array.from(banned);
    this.#vocab = vocab;
    this.#wantLogProb = wantLogProb;
  }

  /**
   * `logits` f32 [>= vocab] of one position; entries of ids that are banned, or not in `mask`, are overwritten. Throws
   * `internal` where that leaves none.
   */
  choose(logits: Float32Array, mask?: TokenMask): Choice {
    for (const id of this.#banned) logits[id] = -Infinity;
    if (mask) keepOnly(logits, mask);
    const row = logits.length > this.#vocab ? logits.subarray(0, this.#vocab) : logits;
    const best = argmax(row);
    const token = this.#temperature > 0 ? this.#draw(row, row[best]!) : best;
    return { token, logProb: this.#wantLogProb ? logProb(row, token, row[best]!, NEGLIGIBLE) : 0 };
  }

  #draw(row: Float32Array, top: number): number {
    const ids = this.#candidates(row, top);
    // Weight relative to the likeliest token, which is ids[0] with weight 1.
    const weights = Float64Array.from(ids, id => Math.exp((row[id]! - top) / this.#temperature));
    let kept = this.#topK > 0 ? Math.min(this.#topK, ids.length) : ids.length;
    kept = nucleus(weights.subarray(0, kept), this.#topP);
    while (kept > 1 && weights[kept - 1]! < this.#minP) kept--;

    const total = sum(weights.subarray(0, kept));
    let left = this.#random() * total;
    for (let i = 0; i < kept; i++) {
      left -= weights[i]!;
      if (left < 0) return ids[i]!;
    }
    return ids[kept - 1]!;
  }

  /** Ids that matter, likeliest first: the top k, or all that aren't negligible. */
  #candidates(row: Float32Array, top: number): number[] {
    const floor = top + NEGLIGIBLE * this.#temperature;
    const byLogit = (a: number, b: number) => row[b]! - row[a]! || a - b;
    const ids: number[] = [];
    if (this.#topK === 0) {
      for (let id = 0; id < row.length; id++) if (row[id]! >= floor) ids.push(id);
      return ids.sort(byLogit);
    }
    // The best k so far, in order; nearly every id fails the first comparison.
    let least = floor;
    for (let id = 0; id < row.length; id++) {
      if (!(row[id]! >= least)) continue;
      let at = ids.length;
      while (at > 0 && row[ids[at - 1]!]! < row[id]!) at--;
      if (at === this.#topK) continue;
      ids.splice(at, 0, id);
      if (ids.length > this.#topK) ids.pop();
      if (ids.length === this.#topK) least = row[ids[ids.length - 1]!]!;
    }
    return ids;
  }
}

/** Takes every id away whose bit is not set. Most words are all or nothing. */
function keepOnly(logits: Float32Array, mask: TokenMask): void {
  for (let word = 0; word < mask.length; word++) {
    const bits = mask[word]!;
    if (bits === -1) continue;
    const first = word * 32;
    if (bits === 0) {
      logits.fill(-Infinity, first, first + 32);
      continue;
    }
    for (let bit = 0; bit < 32; bit++) if (((bits >>> bit) & 1) === 0) logits[first + bit] = -Infinity;
  }
}

/** Index of the largest value, the first of equals. Throws `internal` if there is none: all NaN or -Infinity. */
function argmax(row: Float32Array): number {
  let best = -1;
  let value = -Infinity;
  for (let i = 0; i < row.length; i++) {
    if (row[i]! > value) {
      value = row[i]!;
      best = i;
    }
  }
  if (best < 0 || !Number.isFinite(value)) {
    throw new MoebiusError(
      'internal',
      'The model produced no valid numbers. Restart the daemon or convert the model again.',
    );
  }
  return best;
}

/** Sum of exp(row - top) over what is above top + floor. */
function sumOfExp(row: Float32Array, top: number, floor: number): number {
  let total = 0;
  for (let i = 0; i < row.length; i++) {
    const distance = row[i]! - top;
    if (distance > floor) total += Math.exp(distance);
  }
  return total;
}

/** How many of the descending `weights` make up the share `topP` of their sum; at least 1. */
function nucleus(weights: Float64Array, topP: number): number {
  if (topP >= 1) return weights.length;
  let left = sum(weights) * topP;
  for (let i = 0; i < weights.length; i++) {
    left -= weights[i]!;
    if (left <= 0) return i + 1;
  }
  return weights.length;
}

function sum(values: Float64Array): number {
  let total = 0;
  for (const value of values) total += value;
  return total;
}

function logProb(row: Float32Array, token: number, top: number, floor: number): number {
  return row[token]! - top - Math.log(sumOfExp(row, top, floor));
}

/** Natural-log probability of `token` in one row of logits f32 [vocab], nothing left out. */
export function logProbOf(logits: Float32Array, token: number): number {
  return logProb(logits, token, logits[argmax(logits)]!, -Infinity);
}
