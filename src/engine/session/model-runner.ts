/**
 * The graphs of a model and the caches of its sequences, as docs/engine.md lays them out. Lives in the worker.
 * Below n = tokens of a run, m = rows whose hidden state is wanted, H = hidden size, G = query heads per key/value head.
 */
import { join } from 'node:path';
import { Tensor } from 'onnxruntime-node';
import { MoebiusError } from '../../base/errors.ts';
import type { EmbeddingTable } from '../../models/manifest.ts';
import { logProbOf } from '../sampler.ts';
import { Drafter, StateTail } from './drafter.ts';
import { Embedding } from './embedding.ts';
import { GraphSession } from './graph-session.ts';
import { type CacheLayout, cacheLayouts, KvCache } from './kv-cache.ts';
import { LogitRefiner } from './logit-refiner.ts';
import type { ForwardArgs, ForwardReply, LoadArgs } from './wire.ts';

/** Rows of logits computed at once when scoring: 16 x 152,000 floats are 10 MB. */
const SCORED_ROWS = 16;
/** What a score gets where a row must not be seen. */
const MASKED = -1e30;

interface SequenceState {
  cache: KvCache;
  states: StateTail;
}

export class ModelRunner {
  readonly #options: LoadArgs;
  readonly #body: GraphSession;
  readonly #head: GraphSession;
  readonly #embedding: Embedding;
  /** null where the head's logits are exact. */
  readonly #refiner: LogitRefiner | null;
  readonly #drafter: Drafter | null;
  /** Opened when a level first asks for it. */
  #routed: Promise<GraphSession> | null = null;
  readonly #sequences = new Map<number, SequenceState>();
  readonly #layouts: readonly CacheLayout[];
  /** Some layers see only a window of the past. */
  readonly #isWindowed: boolean;

  private constructor(
    options: LoadArgs,
    graphs: { body: GraphSession; head: GraphSession; drafter: GraphSession | null },
  ) {
    this.#options = options;
    this.#body = graphs.body;
    this.#head = graphs.head;
    this.#drafter = graphs.drafter && new Drafter(graphs.drafter);
    this.#layouts = cacheLayouts(graphs.body.inputs);
    this.#isWindowed = options.manifest.dims.slidingWindow !== undefined;
    const { folder, manifest } = options;
    const table = (of: EmbeddingTable) => new Embedding(folder, of, manifest.dims.hidden);
    this.#embedding = table(manifest.embedding);
    this.#refiner = manifest.outputEmbedding && new LogitRefiner(table(manifest.outputEmbedding));
  }

  static async load(options: LoadArgs, onProgress: (percent: number) => void): Promise<ModelRunner> {
    const { folder, manifest, threads } = options;
    const body = await GraphSession.open(join(folder, manifest.graphs.body.onnx), threads);
    onProgress(80);
    const head = await GraphSession.open(join(folder, manifest.graphs.head.onnx), threads);
    onProgress(95);
    const { drafter: file } = manifest.graphs;
    const drafter = file && (await GraphSession.open(join(folder, file.onnx), threads));
    return new ModelRunner(options, { body, head, drafter });
  }

  /** Runs `tokens` after the first `at` rows of the sequence, whose further rows are forgotten. */
  async forward(given: ForwardArgs): Promise<ForwardReply> {
    const { cache, states } = this.#sequence(given.sequence);
    const drafted = await this.#draft(given, states);
    const args = {
      ...given,
      tokens: [...given.tokens, ...drafted],
      logitRows: given.logitRows + drafted.length,
    };
    cache.truncate(args.at);
    if (cache.length !== args.at) {
      throw new MoebiusError('internal', `The cache holds ${cache.length} rows, not ${args.at}.`);
    }
    const count = args.tokens.length;
    cache.reserve(args.at + count);

    const rows = wantedRows(args);
    const feeds: Record<string, Tensor> = {
      ...cache.feeds(),
      x: new Tensor('float32', this.#embedding.rows(args.tokens), [
        count,
        this.#options.manifest.dims.hidden,
      ]),
      positions: range(args.at, count, [1, count]),
      ...this.#attention(cache.length, cache.pastRows, count, rows, ''),
      ...(this.#isWindowed && this.#attention(cache.length, cache.windowRows, count, rows, '_window')),
      select: range(rows.first, rows.count, [rows.count]),
    };
    if (args.experts !== null) feeds.k = range(args.experts, 1, [1]);
    const graph = args.experts === null ? this.#body : await this.#openRouted();
    const output = await graph.run(feeds);
    cache.append(output, count);

    const hidden = output.hidden!;
    states.set(output, rows.first + rows.count === count ? cache.length : 0);
    return {
      drafted,
      logits: !args.targets && args.logitRows > 0 ? await this.#logits(hidden) : null,
      logProbs: args.targets ? await this.#score(hidden.data as Float32Array, args.targets) : null,
      capacityRows: cache.capacity,
      bytes: cache.bytes,
    };
  }

  /** Rows of the last run's `hidden` and `taps` of this sequence, for tracing. */
  states(sequence: number): StateTail['states'] {
    return this.#sequence(sequence).states.states;
  }

  drop(sequence: number): void {
    this.#sequences.delete(sequence);
  }

  async release(): Promise<void> {
    this.#sequences.clear();
    this.#embedding.close();
    this.#refiner?.close();
    const routed = await this.#routed;
    for (const session of [this.#body, this.#head, this.#drafter, routed]) await session?.release();
  }

  /** What follows the tokens of `args` by the drafter's guess: one token or none. */
  async #draft({ tokens, at, draftAbove }: ForwardArgs, states: StateTail): Promise<number[]> {
    const known = tokens.length === 1 ? states.at(at - 1) : null;
    if (!this.#drafter || draftAbove === null || !known) return [];
    const guess = await this.#drafter.guess(known, this.#embedding.row(tokens[0]!));
    return guess.probability > draftAbove ? [guess.token] : [];
  }

  #sequence(key: number): SequenceState {
    let state = this.#sequences.get(key);
    if (!state) {
      const { manifest, contextTokens } = this.#options;
      const cache = new KvCache(this.#layouts, contextTokens, manifest.dims.slidingWindow);
      state = { cache, states: new StateTail() };
      this.#sequences.set(key, state);
    }
    return state;
  }

  #openRouted(): Promise<GraphSession> {
    const { folder, manifest, threads } = this.#options;
    if (manifest.graphs.routed === null) {
      throw new MoebiusError('unsupported', `${manifest.name} was converted without routed experts.`);
    }
    this.#routed ??= GraphSession.open(join(folder, manifest.graphs.routed.onnx), threads);
    return this.#routed;
  }

  /** hidden f32 [m, H] -> logits f32 [m, vocab] */
  async #logits(hidden: Tensor): Promise<Float32Array> {
    const output = await this.#head.run({ hidden });
    const logits = output.logits!.data as Float32Array;
    if (this.#refiner) {
      const normed = output.normed!.data as Float32Array;
      const { hidden: width, vocab } = this.#options.manifest.dims;
      for (let row = 0; row * vocab < logits.length; row++) {
        const logitsOfRow = logits.subarray(row * vocab, (row + 1) * vocab);
        this.#refiner.refine(logitsOfRow, normed.subarray(row * width, (row + 1) * width));
      }
    }
    return logits;
  }

  /** Log probability of targets[i] after row i of hidden f32 [targets, H]. */
  async #score(hidden: Float32Array, targets: number[]): Promise<Float32Array> {
    const { hidden: width, vocab } = this.#options.manifest.dims;
    const scores = new Float32Array(targets.length);
    for (let from = 0; from < targets.length; from += SCORED_ROWS) {
      const rows = Math.min(SCORED_ROWS, targets.length - from);
      const slice = hidden.subarray(from * width, (from + rows) * width);
      const logits = await this.#logits(new Tensor('float32', slice, [rows, width]));
      for (let i = 0; i < rows; i++) {
        scores[from + i] = logProbOf(logits.subarray(i * vocab, (i + 1) * vocab), targets[from + i]!);
      }
    }
    return scores;
  }

  /**
   * Inputs of attention over `past` rows and `count` new ones: `mask` for all tokens of a run and `mask_selected` for the
   * wanted rows, f32 [rows * G, past + n], and `sizes` [past, n]; with `_window` behind for layers with a sliding window.
   * All of the past is seen, and of the new rows those before and the row itself, as far back as the window reaches. One
   * row for all where nothing is hidden. `length` is what the cache holds: none of one row of no meaning is seen.
   */
  #attention(
    length: number,
    past: number,
    count: number,
    wanted: Rows,
    suffix: '' | '_window',
  ): Record<string, Tensor> {
    const { heads, kvHeads, slidingWindow } = this.#options.manifest.dims;
    const width = past + count;
    const reach = suffix ? slidingWindow! : Number.POSITIVE_INFINITY;
    const mask = ({ first, count: rows }: Rows, group: number) => {
      const data = new Float32Array(rows * group * width);
      for (let row = 0; row < rows * group; row++) {
        const end = past + first + Math.floor(row / group) + 1;
        const start = Math.max(length === 0 ? past : 0, end - reach);
        data.fill(MASKED, row * width, row * width + start);
        data.fill(MASKED, row * width + end, (row + 1) * width);
      }
      return new Tensor('float32', data, [rows * group, width]);
    };
    const group = heads / kvHeads;
    const one = count === 1 ? mask({ first: 0, count: 1 }, 1) : null;
    return {
      [`mask${suffix}`]: one ?? mask({ first: 0, count }, group),
      [`mask_selected${suffix}`]: one ?? mask(wanted, group),
      [`sizes${suffix}`]: new Tensor('int64', BigInt64Array.of(BigInt(past), BigInt(count)), [2]),
    };
  }
}

interface Rows {
  first: number;
  count: number;
}

/** Rows whose hidden state is wanted. At least one, even if it is then ignored: onnxruntime crashes over none. */
function wantedRows({ tokens, logitRows, targets }: ForwardArgs): Rows {
  if (targets) return { first: 0, count: Math.max(targets.length, 1) };
  const count = Math.max(logitRows, 1);
  return { first: tokens.length - count, count };
}

/** i64: start, start + 1, ... (`count` numbers) in the given shape. */
function range(start: number, count: number, shape: number[]): Tensor {
  return new Tensor(
    'int64',
    BigInt64Array.from({ length: count }, (_, i) => BigInt(start + i)),
    shape,
  );
}
