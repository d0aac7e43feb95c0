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

export interface LoadOptions {
  /** Folder of a converted model (holds manifest.json). */
  folder: string;
  /** Rows of the largest KV sequence; no more than the model was trained with. */
  contextTokens: number;
  /** Intra-op threads of the sessions. */
  threads: number;
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
  speed(): StatusResult['speed'];
  dispose(): Promise<void>;
}
