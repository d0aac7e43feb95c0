/**
 * The three graphs of a model and the caches of its sequences, as docs/engine.md lays them out. Lives in the worker.
 * Below n = tokens of a run, m = rows whose hidden state is wanted, H = hidden size, G = query heads per key/value head.
 */
import { join } from 'node:path';
import { Tensor } from 'onnxruntime-node';
import { MoebiusError } from '../../base/errors.ts';
import { logProbOf } from '../sampler.ts';
import { Embedding } from './embedding.ts';
import { GraphSession } from './graph-session.ts';
import { KvCache, MASKED } from './kv-cache.ts';
import type { ForwardArgs, ForwardReply, LoadArgs } from './wire.ts';

/** Rows of logits computed at once when scoring: 16 x 152,000 floats are 10 MB. */
const SCORED_ROWS = 16;

export class ModelRunner {
  readonly #options: LoadArgs;
  readonly #body: GraphSession;
  readonly #head: GraphSession;
  readonly #embedding: Embedding;
  /** Opened when a level first asks for it. */
  #routed: Promise<GraphSession> | null = null;
  readonly #sequences = new Map<number, KvCache>();
  /** mask_new f32 [1, 1, G n, n] by n; a prompt is read in chunks of few sizes. */
  readonly #causalMasks = new Map<number, Tensor>();

  private constructor(options: LoadArgs, body: GraphSession, head: GraphSession, embedding: Embedding) {
    this.#options = options;
    this.#body = body;
    this.#head = head;
    this.#embedding = embedding;
  }

  static async load(options: LoadArgs, onProgress: (percent: number) => void): Promise<ModelRunner> {
    const { folder, manifest, threads } = options;
    const body = await GraphSession.open(join(folder, manifest.graphs.body.onnx), threads);
    onProgress(80);
    const head = await GraphSession.open(join(folder, manifest.graphs.head.onnx), threads);
    onProgress(95);
    return new ModelRunner(
      options,
      body,
      head,
      new Embedding(folder, manifest.embedding, manifest.dims.hidden),
    );
  }

  /** Runs `tokens` after the first `at` rows of the sequence, whose further rows are forgotten. */
  async forward(args: ForwardArgs): Promise<ForwardReply> {
    const cache = this.#sequence(args.sequence);
    cache.truncate(args.at);
    if (cache.length !== args.at) {
      throw new MoebiusError('internal', `The cache holds ${cache.length} rows, not ${args.at}.`);
    }
    const count = args.tokens.length;
    cache.reserve(args.at + count);

    const rows = wantedRows(args);
    const feeds: Record<string, Tensor> = {
      ...cache.feeds,
      x: new Tensor('float32', this.#embedding.rows(args.tokens), [
        count,
        this.#options.manifest.dims.hidden,
      ]),
      positions: range(args.at, count, [1, count]),
      mask_new: this.#causalMask(count),
      sizes: new Tensor('int64', BigInt64Array.of(BigInt(cache.capacity), BigInt(count)), [2]),
      select: range(rows.first, rows.count, [rows.count]),
    };
    if (args.experts !== null) feeds.k = range(args.experts, 1, [1]);
    const graph = args.experts === null ? this.#body : await this.#openRouted();
    const output = await graph.run(feeds);
    cache.append(output, count);

    const hidden = output.hidden!;
    return {
      logits: !args.targets && args.logitRows > 0 ? await this.#logits(hidden) : null,
      logProbs: args.targets ? await this.#score(hidden.data as Float32Array, args.targets) : null,
      capacityRows: cache.capacity,
      bytes: cache.bytes,
    };
  }

  drop(sequence: number): void {
    this.#sequences.delete(sequence);
  }

  async release(): Promise<void> {
    this.#sequences.clear();
    this.#embedding.close();
    const routed = await this.#routed;
    for (const session of [this.#body, this.#head, routed]) await session?.release();
  }

  #sequence(key: number): KvCache {
    let cache = this.#sequences.get(key);
    if (!cache) {
      cache = new KvCache(this.#options.manifest.dims, this.#options.contextTokens);
      this.#sequences.set(key, cache);
    }
    return cache;
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
    return output.logits!.data as Float32Array;
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

  /** f32 [1, 1, G n, n]: row g n + i sees the columns j <= i. */
  #causalMask(count: number): Tensor {
    let mask = this.#causalMasks.get(count);
    if (!mask) {
      const { heads, kvHeads } = this.#options.manifest.dims;
      const rows = (heads / kvHeads) * count;
      const data = new Float32Array(rows * count).fill(MASKED);
      for (let row = 0; row < rows; row++) data.fill(0, row * count, row * count + (row % count) + 1);
      mask = new Tensor('float32', data, [1, 1, rows, count]);
      if (this.#causalMasks.size >= 8) this.#causalMasks.clear();
      this.#causalMasks.set(count, mask);
    }
    return mask;
  }
}

/**
 * Rows whose hidden state is wanted. The routed graph gets at least one, even if it is then ignored: it sorts rows by
 * expert, and onnxruntime's TopK over no rows at all kills the process.
 */
function wantedRows({ tokens, experts, logitRows, targets }: ForwardArgs): { first: number; count: number } {
  const least = experts === null ? 0 : 1;
  if (targets) return { first: 0, count: Math.max(targets.length, least) };
  const count = Math.max(logitRows, least);
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
