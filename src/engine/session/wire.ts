/** Messages between the engine and its worker thread: method -> [arguments, reply]. */
import type { ErrorCode } from '../../base/errors.ts';
import type { FormSpeed } from '../../models/machine.ts';
import type { ExpertsPerToken, Manifest } from '../../models/manifest.ts';
import type { ExpertHistogram } from '../hot-experts.ts';
import type { KvBlock } from '../kv-pages.ts';

export interface LoadArgs {
  folder: string;
  manifest: Manifest;
  /** Rows of the largest sequence. */
  contextTokens: number;
  threads: number;
  /** Folder of the graphs with packed weights; null for the plain ones. */
  packed: string | null;
}
export interface PackArgs extends LoadArgs {
  outFolder: string;
  stop: StopFlag;
}
/**
 * Shared memory, [0] until the work is to end, which it does between two calls into the runtime. A thread that is terminated
 * inside of one takes the process with it.
 */
export type StopFlag = Int32Array<SharedArrayBuffer>;

export interface ForwardArgs {
  /** Key of the sequence; a new key starts an empty cache. */
  sequence: number;
  /** Rows of the sequence that stay valid; the tokens follow them. */
  at: number;
  tokens: number[];
  /** Routed experts per token; null runs the body graph, all experts fused. */
  experts: ExpertsPerToken | null;
  /** The model's shortcut says the keys and values of the last layers. */
  shortcut?: true;
  /** Return the logits after the last so many tokens. */
  logitRows: number;
  /**
   * Run what the model's drafter guesses to follow as well: the i-th token if it and all before it are likelier than the
   * i-th of these to be right; null = don't. Their logits are returned too.
   */
  draftAbove: readonly number[] | null;
  /** Return the log probability of targets[i] after token i instead, for the first targets.length tokens. */
  targets?: number[];
}
export interface CacheSize {
  capacityRows: number;
  bytes: number;
}
export interface ForwardReply extends CacheSize {
  /** f32 [logitRows + drafted, vocab], or null when none were wanted. */
  logits: Float32Array | null;
  /** All experts read: there is no memory for the graphs that read with few, or none were asked for. */
  byAll: boolean;
  /** Tokens that were guessed and run after the given ones. */
  drafted: number[];
  /** f32 [targets] */
  logProbs: Float32Array | null;
}

export interface ExportArgs {
  sequence: number;
  from: number;
  to: number;
}
export interface ImportArgs {
  sequence: number;
  /** Rows of the sequence that stay valid; the first `rows` rows of the blocks follow them. */
  at: number;
  rows: number;
  blocks: KvBlock[];
}

/** Forms of a weight whose kernels the self-test times. */
export type ProbedForm = 'int4' | 'int8' | 'w8a8';
export interface ProbeArgs {
  form: ProbedForm;
  threads: number;
  stop: StopFlag;
}
export interface KernelSpeed extends FormSpeed {
  /** Of one small operator on one row. */
  operatorSeconds: number;
  /** Part of the processor time of its threads that the quickest long run got: 1 on a quiet machine. */
  share: number;
}

export interface WorkerMethods {
  load: [LoadArgs & { stop: StopFlag }, { runtimeVersion: string }];
  forward: [ForwardArgs, ForwardReply];
  export: [ExportArgs, { blocks: KvBlock[] }];
  import: [ImportArgs, CacheSize];
  experts: [Record<string, never>, { histogram: ExpertHistogram }];
  drop: [{ sequence: number }, Record<string, never>];
  close: [Record<string, never>, Record<string, never>];
  exact: [Record<string, never>, { areExact: boolean }];
  probe: [ProbeArgs, { speed: KernelSpeed | null }];
  pack: [PackArgs, Record<string, never>];
}

export interface WorkerRequest<M extends keyof WorkerMethods = keyof WorkerMethods> {
  id: number;
  method: M;
  args: WorkerMethods[M][0];
}
export type WorkerReply =
  | { id: number; result: WorkerMethods[keyof WorkerMethods][1] }
  | { id: number; error: { code: ErrorCode; message: string } }
  | { percent: number };
