/**
 * Guesses the token after next with the layer that was trained to, for a few hundredths of a step (docs/engine.md). The layer
 * attends to its own rows: one for every token whose state and whose next token are known, from the text's beginning or
 * from where the answer begins. A guess is only ever checked, never trusted.
 */
import { Tensor } from 'onnxruntime-node';
import type { ModelDims } from '../../models/manifest.ts';
import { attentionInputs, range } from './attention-inputs.ts';
import type { Embedding } from './embedding.ts';
import type { GraphSession } from './graph-session.ts';
import { type CacheLayout, cacheLayouts, KvCache } from './kv-cache.ts';
import type { StateTail } from './state-tail.ts';

export interface Guess {
  token: number;
  /** That the model takes this token. */
  probability: number;
}

/** What the layer remembers of one sequence. */
export interface NextTokenRows {
  cache: KvCache;
  /** Of the rows in the cache, ascending; after going back far some may be missing. */
  positions: number[];
  /** Of the sequence, guesses that are being checked too; -1 for those that were never run here. */
  tokens: number[];
}

export class NextTokenDrafter {
  readonly #graph: GraphSession;
  readonly #dims: ModelDims;
  readonly #embedding: Embedding;
  readonly #layouts: readonly CacheLayout[];

  constructor(graph: GraphSession, dims: ModelDims, embedding: Embedding) {
    this.#graph = graph;
    this.#dims = dims;
    this.#embedding = embedding;
    this.#layouts = cacheLayouts(graph.inputs);
  }

  newRows(maxRows: number): NextTokenRows {
    return {
      cache: new KvCache(this.#layouts, maxRows, this.#dims.slidingWindow),
      positions: [],
      tokens: [],
    };
  }

  /**
   * `tokens` are about to follow the first `at` of the sequence. Reads every row that can be read by now, `states` being those
   * of the last run, and returns the guess of the token after next to the last of them; null if there was none to read.
   */
  async read(
    rows: NextTokenRows,
    states: StateTail,
    at: number,
    tokens: readonly number[],
  ): Promise<(Guess & { position: number }) | null> {
    this.follow(rows, at, tokens);
    const { positions } = rows;
    // A row needs the token behind its own.
    const first = Math.max((positions.at(-1) ?? -1) + 1, states.first, rows.tokens.lastIndexOf(-1));
    const end = Math.min(rows.tokens.length - 1, states.end, at);
    const count = end - first;
    const known = count > 0 ? states.rows(first, count) : null;
    if (!known) return null;
    const width = this.#dims.hidden;
    const next = rows.tokens.slice(first + 1, end + 1);
    rows.cache.reserve(rows.cache.length + count);
    const output = await this.#graph.run({
      ...rows.cache.feeds(),
      ...attentionInputs(this.#dims, rows.cache, range(first, count), { first: count - 1, count: 1 }),
      ...known,
      next: new Tensor('float32', this.#embedding.rows(next), [count, width]),
    });
    rows.cache.append(output, count);
    positions.push(...range(first, count));
    return {
      token: Number((output.token!.data as BigInt64Array)[0]),
      probability: (output.probability!.data as Float32Array)[0]!,
      position: end + 1,
    };
  }

  /** Another answer begins. */
  clear(rows: NextTokenRows): void {
    rows.cache.truncate(0);
    rows.positions.length = 0;
    rows.tokens.length = 0;
  }

  /** `tokens` are run behind the first `at`: those that were there are forgotten, and the rows that depend on them. */
  follow(rows: NextTokenRows, at: number, tokens: readonly number[]): void {
    rows.tokens.length = Math.min(rows.tokens.length, at);
    while (rows.positions.length > 0 && rows.positions.at(-1)! > at - 2) rows.positions.pop();
    rows.cache.truncate(rows.positions.length);
    while (rows.tokens.length < at) rows.tokens.push(-1);
    rows.tokens.push(...tokens);
  }

  release(): Promise<void> {
    return this.#graph.release();
  }
}
