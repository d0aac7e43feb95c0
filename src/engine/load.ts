/** Loads a converted model and puts the engine together. */
import { join } from 'node:path';
import { cancelled, MoebiusError } from '../base/errors.ts';
import { availableBytes, memoryBytes } from '../base/memory.ts';
import { chatLevelOf, meanExperts } from '../models/chat-level.ts';
import type { Manifest } from '../models/manifest.ts';
import type {
  CompleteParams,
  CompleteResult,
  CountParams,
  CountResult,
  GenerateParams,
  GenerateResult,
  ModelInfo,
  StatusResult,
} from '../protocol/daemon.ts';
import { ChatTemplate } from './chat-template.ts';
import { completeRequest } from './complete.ts';
import type { EngineCore } from './core.ts';
import { countTokens } from './count.ts';
import type { Engine, LoadOptions, RunHooks } from './engine.ts';
import { generateRequest, runRequest } from './generate.ts';
import { Grammars } from './grammar/grammars.ts';
import type { VocabularyArgs } from './grammar/wire.ts';
import { type ExpertHistogram, warmUp } from './hot-experts.ts';
import type { KeptSequence, KvPage } from './kv-pages.ts';
import { type ModelFolder, openModelFolder } from './model-folder.ts';
import { levelPlan } from './read-plan.ts';
import { THOUGHT_TAGS } from './reasoning.ts';
import { Run } from './run.ts';
import { kvBudgetBytes, type Sequence, Sequences } from './sequences.ts';
import { raise, stopFlag } from './session/stop-flag.ts';
import { WorkerClient } from './session/worker-client.ts';
import { SpeedMeter } from './speed-meter.ts';
import { Tokenizer } from './tokenizer.ts';
import type { ToolDialect } from './tools/dialect.ts';
import { DIALECTS, dialectOf } from './tools/dialects.ts';

/** Throws `model-missing`, `model-invalid`, `format-invalid`, `bad-request`, `out-of-memory` or `cancelled`. */
export async function loadEngine(options: LoadOptions): Promise<Engine> {
  const began = performance.now();
  const core = await loadCore(options);
  return new LoadedEngine(core, options, performance.now() - began);
}

/**
 * The parts of an engine, for those who need them apart (reference.ts, tests). What was cancelled is given up between two
 * graphs, which may take seconds; when this rejects, nothing of the model is in memory any more.
 */
export async function loadCore(options: LoadOptions): Promise<EngineCore> {
  const { folder, threads, signal, onProgress } = options;
  const model = await openModelFolder(folder);
  const { manifest } = model;
  const contextTokens = Math.min(options.contextTokens, manifest.dims.trainedContext);
  if (signal?.aborted) throw cancelled();
  const worker = new WorkerClient();
  worker.onProgress = percent => onProgress?.(percent);
  const stop = stopFlag(signal);
  const { packed } = model;
  const loading = worker.request('load', { folder, manifest, contextTokens, threads, packed, stop });
  try {
    const text = textParts(model);
    await loading;
    if (signal?.aborted) throw cancelled();
    onProgress?.(100);
    const warming = new AbortController();
    if (model.packed && options.hotExperts) {
      const graph = { onnx: join(model.packed, 'body.onnx'), data: join(model.packed, 'body.data') };
      // What can't be read ahead is read when it is needed.
      warmUp(graph, options.hotExperts, availableBytes() ?? 0, warming.signal).catch(() => undefined);
    }
    return {
      warming,
      manifest,
      ...text,
      worker,
      sequences: new Sequences(options.kvBudgetBytes ?? kvBudgetBytes(memoryBytes()), sequence => {
        // A worker that is gone has nothing left to drop.
        worker.request('drop', { sequence }).catch(() => undefined);
      }),
      savedKv: options.savedKv ?? null,
      contextTokens,
      prefillMeter: new SpeedMeter(0.8),
      decodeMeter: new SpeedMeter(0.98),
    };
  } catch (error) {
    raise(stop);
    // Until the thread is out of the runtime it can't be ended, and its memory is not free for the next model.
    await loading.catch(() => undefined);
    await worker.terminate();
    throw signal?.aborted ? cancelled() : error;
  }
}

type TextParts = Pick<EngineCore, 'tokenizer' | 'template' | 'dialect' | 'grammars' | 'banned'>;

/** What reads and writes text, of a model's files. */
export function textParts(
  model: Pick<ModelFolder, 'tokenizer' | 'chatTemplate'> & { manifest: Pick<Manifest, 'tokens'> },
): TextParts {
  const { manifest, chatTemplate } = model;
  const tokenizer = new Tokenizer(model.tokenizer);
  const unknown = Array.from({ length: tokenizer.size }, (_, id) => id).filter(id => !tokenizer.has(id));
  const banned = new Set([...manifest.tokens.banned, ...unknown]);
  const { bos, templateBos = bos, eos } = manifest.tokens;
  const literal = (id: number | null | undefined) => tokenizer.specials.get(id ?? -1) ?? '';
  const dialect = chatTemplate === null ? null : dialectOf(chatTemplate);
  const template =
    chatTemplate === null
      ? null
      : new ChatTemplate({
          source: chatTemplate,
          specialText: tokenizer.specialText,
          assistantMayWrite: assistantMarkup(tokenizer, manifest.tokens, dialect),
          dialect,
          bosToken: literal(templateBos),
          eosToken: literal(eos[0]),
        });
  return {
    tokenizer,
    template,
    dialect,
    grammars: new Grammars(vocabularyOf(tokenizer, eos)),
    banned: [...banned],
  };
}

/**
 * Ids of the added tokens that the model itself may write, so that its messages have them when they are read again: what is
 * not banned and, where its template takes calls as they were written, what calls are written with, which is drawn while
 * tools are on. Thoughts are taken out, and so are their tags.
 */
export function assistantMarkup(
  { specials }: Pick<Tokenizer, 'specials'>,
  { banned, bos, templateBos = bos, eos }: Manifest['tokens'],
  dialect: ToolDialect | null,
): Set<number> {
  const never = new Set([...banned, ...eos, bos, templateBos]);
  const markers = dialect && !dialect.forTemplate ? dialect.markers : [];
  const written = [...specials].filter(
    ([id, literal]) => markers.includes(literal) || !(never.has(id) || THOUGHT_TAGS.includes(literal)),
  );
  return new Set(written.map(([id]) => id));
}

/** What grammars match: every token's text, control tokens' aside. Those that calls are written with are text. */
export function vocabularyOf(tokenizer: Tokenizer, stopTokens: readonly number[]): VocabularyArgs {
  const markers = new Set(DIALECTS.flatMap(dialect => dialect.markers));
  const { pool, starts, ends } = tokenizer.bytes;
  const textEnds = ends.map((end, id) => {
    const literal = tokenizer.specials.get(id);
    return literal === undefined || markers.has(literal) ? end : starts[id]!;
  });
  return { pool, starts, ends: textEnds, stopTokens };
}

class LoadedEngine implements Engine {
  readonly #core: EngineCore;
  readonly #options: LoadOptions;
  readonly #loadMs: number;

  constructor(core: EngineCore, options: LoadOptions, loadMs: number) {
    this.#core = core;
    this.#options = options;
    this.#loadMs = loadMs;
  }

  info(): ModelInfo {
    const { manifest, contextTokens, dialect } = this.#core;
    const { id, variant, name, architecture, parameters, dims } = manifest;
    const capabilities = { ...manifest.capabilities, toolCalls: dialect !== null };
    return {
      loaded: true,
      ...{ id, variant, name, architecture, capabilities, parameters },
      sizeBytes: Object.values(manifest.files).reduce((sum, file) => sum + file.sizeBytes, 0),
      path: this.#options.folder,
      contextTokens,
      trainedContextTokens: dims.trainedContext,
      experts: expertsInfo(manifest),
      loadMs: this.#loadMs,
      threads: this.#options.threads,
    };
  }

  async generate(params: GenerateParams, hooks: RunHooks): Promise<GenerateResult> {
    const request = generateRequest(this.#core, params);
    const { text, finish, usage, calls } = await runRequest(this.#core, request, hooks);
    return { text, finish, usage, ...(calls && { calls }) };
  }

  async complete(params: CompleteParams, hooks: RunHooks): Promise<CompleteResult> {
    return runRequest(this.#core, completeRequest(this.#core, params), hooks);
  }

  count(params: CountParams): CountResult {
    return countTokens(this.#core, params);
  }

  async score(tokens: number[], level: GenerateParams['level'], hooks: RunHooks): Promise<Float32Array> {
    const { contextTokens, manifest, sequences } = this.#core;
    if (tokens.length < 2 || tokens.length > contextTokens) {
      throw new MoebiusError(
        'bad-request',
        `Scoring takes 2 to ${contextTokens} tokens, not ${tokens.length}.`,
      );
    }
    const sequence = sequences.lease('score');
    try {
      return await new Run(this.#core, sequence, levelPlan(manifest.experts, level), hooks).score(tokens);
    } finally {
      sequences.release(sequence);
    }
  }

  sequences(): StatusResult['sequences'] {
    return this.#core.sequences.list().map(({ name, tokens, capacityRows, bytes }) => ({
      name,
      tokens: tokens.length,
      capacityTokens: capacityRows,
      bytes,
    }));
  }

  keptSequences(): KeptSequence[] {
    const isFree = ({ isKept, isLeased }: Sequence) => isKept && !isLeased;
    const { sequences } = this.#core;
    return sequences
      .list()
      .filter(isFree)
      .reverse()
      .map(({ lease, tokens, experts }) => ({ lease, tokens: [...tokens], experts: [...experts] }));
  }

  async exportRows(lease: number, from: number, to: number): Promise<KvPage | null> {
    const sequence = this.#core.sequences.list().find(one => one.lease === lease);
    if (!sequence || sequence.isLeased) return null;
    // Taken before the worker is asked: a request that uses the sequence meanwhile comes after in the worker's queue.
    const [tokens, experts] = [sequence.tokens.slice(from, to), sequence.experts.slice(from, to)];
    const { blocks } = await this.#core.worker.request('export', { sequence: sequence.key, from, to });
    return { tokens, experts, blocks };
  }

  async expertHistogram(): Promise<ExpertHistogram> {
    return (await this.#core.worker.request('experts', {})).histogram;
  }

  speed(): StatusResult['speed'] {
    return {
      prefillTokensPerSecond: this.#core.prefillMeter.tokensPerSecond,
      decodeTokensPerSecond: this.#core.decodeMeter.tokensPerSecond,
    };
  }

  /** Releases the sessions, then ends the thread. Requests still running fail. */
  async dispose(): Promise<void> {
    this.#core.warming.abort();
    this.#core.grammars.dispose();
    await this.#core.worker.request('close', {}).catch(() => undefined);
    await this.#core.worker.terminate();
  }
}

function expertsInfo({ experts, products }: Manifest): ModelInfo['experts'] {
  if (!experts) return null;
  const perToken = Object.entries(experts.levels).map(([level, plan]) => [
    level,
    meanExperts(plan.readK ?? experts.routed),
  ]);
  return {
    shared: experts.sharedNeurons > 0 ? 1 : 0,
    routed: experts.routed,
    perTokenByLevel: Object.fromEntries(perToken),
    chatLevel: chatLevelOf(experts, products),
  };
}
