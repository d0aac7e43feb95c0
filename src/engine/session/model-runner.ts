/**
 * The graphs of a model and the caches of its sequences, as docs/engine.md lays them out. Lives in the worker.
 * Below n = tokens of a run, m = rows whose hidden state is wanted, H = hidden size, G = query heads per key/value head.
 */
import { join } from 'node:path';
import { Tensor } from 'onnxruntime-node';
import { MoebiusError } from '../../base/errors.ts';
import type { EmbeddingTable } from '../../models/manifest.ts';
import type { PACKED_GRAPHS } from '../../models/packed.ts';
import type { ExpertHistogram } from '../hot-experts.ts';
import type { KvBlock } from '../kv-pages.ts';
import { logProbOf } from '../sampler.ts';
import { attentionInputs, type Rows, range } from './attention-inputs.ts';
import { Embedding } from './embedding.ts';
import { ExpertCounts } from './expert-counts.ts';
import { GraphSession } from './graph-session.ts';
import { type CacheLayout, cacheLayouts, KvCache } from './kv-cache.ts';
import { LogitRefiner } from './logit-refiner.ts';
import { NextTokenDrafter, type NextTokenRows } from './next-token-drafter.ts';
import { RoutedGraphs } from './routed-graphs.ts';
import { rowsOf, StateTail } from './state-tail.ts';
import { requireExactProducts } from './token-product-check.ts';
import type { CacheSize, ExportArgs, ForwardArgs, ForwardReply, ImportArgs, LoadArgs } from './wire.ts';

/** Rows of logits computed at once when scoring: 16 x 152,000 floats are 10 MB. */
const SCORED_ROWS = 16;
interface SequenceState {
  cache: KvCache;
  states: StateTail;
  /** Of the drafter. */
  guessed: NextTokenRows | null;
}

export class ModelRunner {
  readonly #options: LoadArgs;
  readonly #body: GraphSession;
  readonly #head: GraphSession;
  readonly #embedding: Embedding;
  /** null where the head's logits are exact. */
  readonly #refiner: LogitRefiner | null;
  readonly #drafter: NextTokenDrafter | null;
  readonly #routed: RoutedGraphs;
  readonly #sequences = new Map<number, SequenceState>();
  readonly #layouts: readonly CacheLayout[];
  readonly #experts = new ExpertCounts();

  private constructor(
    options: LoadArgs,
    graphs: { body: GraphSession; head: GraphSession; drafter: GraphSession | null },
  ) {
    this.#options = options;
    this.#routed = new RoutedGraphs(options);
    this.#body = graphs.body;
    this.#head = graphs.head;
    this.#layouts = cacheLayouts(graphs.body.inputs);
    const { folder, manifest } = options;
    const table = (of: EmbeddingTable) => new Embedding(folder, of, manifest.dims.hidden);
    this.#embedding = table(manifest.embedding);
    this.#drafter = graphs.drafter && new NextTokenDrafter(graphs.drafter, manifest.dims, this.#embedding);
    this.#refiner = manifest.outputEmbedding && new LogitRefiner(table(manifest.outputEmbedding));
  }

  static async load(options: LoadArgs, onProgress: (percent: number) => void): Promise<ModelRunner> {
    const { folder, manifest, threads, packed } = options;
    const open = async (name: (typeof PACKED_GRAPHS)[number]) => {
      const plain = join(folder, manifest.graphs[name].onnx);
      if (!packed) return GraphSession.open(plain, threads);
      // If the packed graph is to blame, the plain one works; if not, that says what is wrong.
      return GraphSession.open(join(packed, `${name}.onnx`), threads).catch(() =>
        GraphSession.open(plain, threads),
      );
    };
    await requireExactProducts(join(folder, manifest.graphs.body.onnx));
    const body = await open('body');
    onProgress(80);
    const head = await open('head');
    onProgress(95);
    const { drafter: file } = manifest.graphs;
    const drafter = file && (await GraphSession.open(join(folder, file.onnx), threads));
    return new ModelRunner(options, { body, head, drafter });
  }

  /** Runs `tokens` after the first `at` rows of the sequence, whose further rows are forgotten. */
  async forward(given: ForwardArgs): Promise<ForwardReply> {
    const sequence = this.#sequence(given.sequence);
    const { cache, states } = sequence;
    const drafted = await this.#draft(given, sequence);
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

    const { dims } = this.#options.manifest;
    const wanted = wantedRows(args);
    // A drafter that reads along needs the states of all rows.
    const rows = this.#readsAlong ? { first: 0, count } : wanted;
    const feeds: Record<string, Tensor> = {
      ...cache.feeds(),
      x: new Tensor('float32', this.#embedding.rows(args.tokens), [count, dims.hidden]),
      ...attentionInputs(dims, cache, range(args.at, count), rows),
    };
    const { experts } = args;
    const routed = experts === null ? null : await this.#routed.run(feeds, { ...args, experts });
    const output = routed ?? (await this.#body.run(feeds));
    cache.append(output, count);
    this.#experts.add(output);

    states.set(output, rows.first + rows.count === count ? cache.length : 0);
    const hidden = () => rowsOf(output.hidden!, wanted.first - rows.first, wanted.count);
    return {
      drafted,
      byAll: !routed,
      logits: !args.targets && args.logitRows > 0 ? await this.#logits(hidden()) : null,
      logProbs: args.targets ? await this.#score(hidden().data as Float32Array, args.targets) : null,
      capacityRows: cache.capacity,
      bytes: cache.bytes + (sequence.guessed?.cache.bytes ?? 0),
    };
  }

  /** Throws `internal` if the sequence has no such rows. */
  exportRows({ sequence, from, to }: ExportArgs): KvBlock[] {
    const { cache } = this.#sequence(sequence);
    if (to > cache.length)
      throw new MoebiusError('internal', `The cache holds ${cache.length} rows, not ${to}.`);
    return cache.export(from, to);
  }

  /** Puts rows that were exported after the first `at` rows of the sequence. Throws `format-invalid` for another model's. */
  importRows({ sequence, at, rows, blocks }: ImportArgs): CacheSize {
    const { cache, states, guessed } = this.#sequence(sequence);
    cache.truncate(at);
    states.set({}, 0);
    if (guessed) this.#drafter!.follow(guessed, at, []);
    if (cache.length !== at || at + rows > this.#options.contextTokens) {
      throw new MoebiusError('internal', `${rows} rows can't follow row ${at} of ${cache.length}.`);
    }
    cache.reserve(at + rows);
    cache.import(blocks, rows);
    return { capacityRows: cache.capacity, bytes: cache.bytes };
  }

  /** Which experts the tokens of all runs went to; empty for a model without trained ones. */
  expertHistogram(): ExpertHistogram {
    return this.#experts.read();
  }

  drop(sequence: number): void {
    this.#sequences.delete(sequence);
  }

  async release(): Promise<void> {
    this.#sequences.clear();
    this.#embedding.close();
    this.#refiner?.close();
    for (const session of [this.#body, this.#head, this.#drafter, this.#routed]) await session?.release();
  }

  get #readsAlong(): boolean {
    return this.#options.manifest.graphs.drafter?.readsPrompt ?? false;
  }

  /** What follows the tokens of `args` by the drafter's guesses. */
  async #draft(
    { tokens, at, draftAbove, logitRows }: ForwardArgs,
    { states, guessed }: SequenceState,
  ): Promise<number[]> {
    if (!this.#drafter) return [];
    if (!this.#readsAlong && draftAbove === null) {
      // Where no guess is wanted it costs nothing. A part of a prompt begins another answer; a step, which wants the logits
      // of all its tokens, does not, and the rows that the drafter misses then are few.
      if (logitRows < tokens.length) this.#drafter.clear(guessed!);
      else this.#drafter.follow(guessed!, at, tokens);
      return [];
    }
    const above = tokens.length === 1 ? (draftAbove ?? []) : [];
    const found = await this.#drafter.read(guessed!, states, at, tokens, above);
    if (found?.position !== at + 1) return [];
    const drafted = found.guesses.map(({ token }) => token);
    // The next run begins behind those that are right.
    guessed!.tokens.push(...drafted);
    return drafted;
  }

  #sequence(key: number): SequenceState {
    let state = this.#sequences.get(key);
    if (!state) {
      const { manifest, contextTokens } = this.#options;
      const cache = new KvCache(this.#layouts, contextTokens, manifest.dims.slidingWindow);
      const guessed = this.#drafter?.newRows(contextTokens) ?? null;
      state = { cache, states: new StateTail(), guessed };
      this.#sequences.set(key, state);
    }
    return state;
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
}

/** Rows whose hidden state is wanted. At least one, even if it is then ignored: onnxruntime crashes over none. */
function wantedRows({ tokens, logitRows, targets }: ForwardArgs): Rows {
  if (targets) return { first: 0, count: Math.max(targets.length, 1) };
  const count = Math.max(logitRows, 1);
  return { first: tokens.length - count, count };
}
