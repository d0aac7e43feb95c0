/**
 * What the daemon and the CLI see of the inference engine. One engine = one loaded model, its sessions in a worker
 * thread, and named KV sequences. Nothing here knows about JSON-RPC.
 */
import type {
  CompleteParams,
  CompleteResult,
  CountParams,
  CountResult,
  GenerateEvent,
  GenerateParams,
  GenerateResult,
  ModelInfo,
  StatusResult,
} from '../protocol/daemon.ts';
import type { ExpertHistogram } from './hot-experts.ts';
import type { KeptSequence, KvPage, SavedKv } from './kv-pages.ts';

export interface LoadOptions {
  /** Folder of a converted model (holds manifest.json). */
  folder: string;
  /** Rows of the largest KV sequence; no more than the model was trained with. */
  contextTokens: number;
  /** Intra-op threads of the sessions. */
  threads: number;
  /** Keys and values of all sequences together; default: by the machine's memory (sequences.ts). */
  kvBudgetBytes?: number;
  /** Where rows of this model that `exportRows` gave are found again. Default: nowhere. */
  savedKv?: SavedKv | null;
  /** What `expertHistogram` of this model gave before: of packed weights, those experts are read ahead. */
  hotExperts?: ExpertHistogram;
  onProgress?(percent: number): void;
  signal?: AbortSignal;
}

/** Given to every running request by its owner (the daemon's scheduler, or a plain loop in the CLI). */
export interface RunHooks {
  signal: AbortSignal;
  /** Awaited before every prefill chunk and every decode step: here a scheduler holds a request back. */
  turn(): Promise<void>;
  onEvent(event: GenerateEvent): void;
}

export interface Engine {
  info(): ModelInfo;
  generate(params: GenerateParams, hooks: RunHooks): Promise<GenerateResult>;
  complete(params: CompleteParams, hooks: RunHooks): Promise<CompleteResult>;
  count(params: CountParams): CountResult;
  /** Natural-log probability of each token of `tokens` after the first, read at `level`; for perplexity. Shape [n-1]. */
  score(tokens: number[], level: GenerateParams['level'], hooks: RunHooks): Promise<Float32Array>;
  sequences(): StatusResult['sequences'];
  /** Conversations that no request uses now, last used first. */
  keptSequences(): KeptSequence[];
  /** Rows from..to of a kept sequence; null if it was used since, or is gone. Holds a request back for the copying. */
  exportRows(lease: number, from: number, to: number): Promise<KvPage | null>;
  /** Which experts the tokens went to since loading; empty for a model without trained ones. */
  expertHistogram(): Promise<ExpertHistogram>;
  speed(): StatusResult['speed'];
  dispose(): Promise<void>;
}
