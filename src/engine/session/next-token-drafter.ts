/**
 * Guesses the token after next, and some behind it, with the layer that was trained to, each for a few hundredths of a step
 * (docs/engine.md). The layer attends to its own rows: one for every token whose state and whose next token are known, from the
 * text's beginning or from where the answer begins. A guess is only ever checked, never trusted.
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
  /** That the model takes this token and all that were guessed before it. */
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
  /** Numbers of a row in the graph's inputs that hold states. */
  readonly #states: ReadonlyMap<string, number>;

  constructor(graph: GraphSession, dims: ModelDims, embedding: Embedding) {
    this.#graph = graph;
    this.#dims = dims;
    this.#embedding = embedding;
    this.#layouts = cacheLayouts(graph.inputs);
    const states = graph.inputs.filter(({ name }) => ['taps', 'hidden', 'own'].includes(name));
    this.#states = new Map(states.map(({ name, shape }) => [name, Number(shape[1])]));
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
   * of the last run, and returns what is guessed from `position` on, which is behind the last of them; null if there was none
   * to read. The i-th guess is there only if its probability is above `above[i]`.
   */
  async read(
    rows: NextTokenRows,
    states: StateTail,
    at: number,
    tokens: readonly number[],
    above: readonly number[],
  ): Promise<{ position: number; guesses: Guess[] } | null> {
    this.follow(rows, at, tokens);
    const { positions } = rows;
    // A row needs the token behind its own.
    const first = Math.max((positions.at(-1) ?? -1) + 1, states.first, rows.tokens.lastIndexOf(-1));
    const end = Math.min(rows.tokens.length - 1, states.end, at);
    const count = end - first;
    const known = count > 0 ? states.rows(first, count) : null;
    if (!known) return null;
    let output = await this.#run(rows, first, rows.tokens.slice(first + 1, end + 1), known);
    positions.push(...range(first, count));

    const guesses: Guess[] = [];
    let probability = 1;
    for (const [i, limit] of above.entries()) {
      if (i > 0) {
        if (!this.#states.has('own') || probability <= limit) break;
        const own = { own: output.state! };
        output = await this.#run(rows, end + i - 1, [guesses[i - 1]!.token], own);
      }
      probability *= (output.probability!.data as Float32Array)[0]!;
      if (probability <= limit) break;
      guesses.push({ token: Number((output.token!.data as BigInt64Array)[0]), probability });
    }
    // Rows of guesses are made anew from the model's states, should they be right.
    rows.cache.truncate(positions.length);
    return { position: end + 1, guesses };
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

  /** Appends the rows of `position` and on, which `next` follow; outputs of the last of them. */
  async #run(
    rows: NextTokenRows,
    position: number,
    next: readonly number[],
    known: Record<string, Tensor>,
  ): Promise<Record<string, Tensor>> {
    const { length: count } = next;
    const { cache } = rows;
    cache.reserve(cache.length + count);
    // Of what is not known zeros are given.
    const missing = [...this.#states].filter(([name]) => !known[name]);
    const output = await this.#graph.run({
      ...cache.feeds(),
      ...attentionInputs(this.#dims, cache, range(position, count), { first: count - 1, count: 1 }),
      next: new Tensor('float32', this.#embedding.rows(next), [count, this.#dims.hidden]),
      ...known,
      ...Object.fromEntries(missing.map(([name, width]) => [name, zeros(count, width)])),
    });
    cache.append(output, count);
    return output;
  }

  release(): Promise<void> {
    return this.#graph.release();
  }
}

const zeros = (rows: number, width: number): Tensor =>
  new Tensor('float32', new Float32Array(rows * width), [rows, width]);
