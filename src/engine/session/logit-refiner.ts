/**
 * The second stage of an output projection in two: the graph's logits are coarse, made of 4-bit rows, which reads half as
 * many bytes; those that can matter are computed again from the 8-bit rows. A token needs at most some sixty of 150,000.
 */
import type { Embedding } from './embedding.ts';

/** Logits further below the largest stay coarse: each stands for less than e^-8 of the likeliest token's probability. */
const REACH = 8;
const MOST = 64;

export class LogitRefiner {
  readonly #rows: Embedding;

  /** `rows`: the output projection's. */
  constructor(rows: Embedding) {
    this.#rows = rows;
  }

  /** Puts exact logits in the place of the largest of `logits` f32 [vocab]; `normed` f32 [hidden] is what was projected. */
  refine(logits: Float32Array, normed: Float32Array): void {
    for (const token of largest(logits)) logits[token] = dot(this.#rows.row(token), normed);
  }

  close(): void {
    this.#rows.close();
  }
}

/** Ids of at most `MOST` logits within `REACH` of the largest. */
function largest(logits: Float32Array): number[] {
  let top = Number.NEGATIVE_INFINITY;
  for (let id = 0; id < logits.length; id++) if (logits[id]! > top) top = logits[id]!;
  const ids: number[] = [];
  for (let id = 0; id < logits.length; id++) if (logits[id]! >= top - REACH) ids.push(id);
  if (ids.length <= MOST) return ids;
  return ids.sort((a, b) => logits[b]! - logits[a]!).slice(0, MOST);
}

function dot(a: Float32Array, b: Float32Array): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += a[i]! * b[i]!;
  return sum;
}
