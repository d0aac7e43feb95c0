/**
 * The wire between a client (extension host, CLI, tests) and the inference daemon: JSON-RPC 2.0 over stdio.
 * Every method, its parameters and result, and the notifications that stream while a request runs.
 * All durations in milliseconds, all sizes in bytes, all lengths in tokens unless the name says otherwise.
 */

/** How many experts read the prompt and write the answer. Only for carved models; real MoE models ignore it. */
export type ExpertLevel = 'exact' | 'balanced' | 'fast' | 'frugal';
export const EXPERT_LEVELS: readonly ExpertLevel[] = ['exact', 'balanced', 'fast', 'frugal'];

export interface InitializeParams {
  protocolVersion: number;
  clientName: string;
  /** The daemon ends itself when this process is gone. */
  parentPid?: number;
}
export interface InitializeResult {
  protocolVersion: number;
  daemonVersion: string;
  engine: { name: 'onnxruntime-node'; version: string; threads: number };
  pid: number;
}

export interface ModelLoadParams {
  /** Id of a converted model in the store, e.g. `qwen2.5-coder-1.5b`. */
  model: string;
  /** Precision variant on disk; default: the first there is of `int4`, `int8` and `fp32`. */
  variant?: ModelVariant;
  /** Largest context in tokens for one sequence; default 8192, at most the model's own. */
  contextTokens?: number;
  threads?: number;
}
export type ModelVariant = 'int4' | 'int8' | 'fp32';

export interface ModelSummary {
  id: string;
  variant: ModelVariant;
  name: string;
  architecture: string;
  sizeBytes: number;
  /** Folder that holds manifest.json. */
  path: string;
  capabilities: ModelCapabilities;
}
export interface ModelCapabilities {
  chat: boolean;
  fillInTheMiddle: boolean;
  toolCalls: boolean;
  levels: ExpertLevel[];
}
export interface ModelInfo extends ModelSummary {
  loaded: true;
  contextTokens: number;
  trainedContextTokens: number;
  parameters: number;
  experts: {
    shared: number;
    routed: number;
    perTokenByLevel: Partial<Record<ExpertLevel, number>>;
    /** What a chat is read at where nobody chose: the level of least work that was measured to cost little. */
    chatLevel: ExpertLevel;
  } | null;
  loadMs: number;
  threads: number;
}
export interface ModelListResult {
  models: ModelSummary[];
  loaded: string | null;
}

export interface ChatMessage {
  role: 'system' | 'user' | 'assistant' | 'tool';
  content: string;
}

export interface SamplingParams {
  maxTokens?: number;
  /** 0 = greedy, deterministic. */
  temperature?: number;
  topK?: number;
  topP?: number;
  minP?: number;
  seed?: number;
  /** Stop strings; the text ends before the first of them. */
  stop?: string[];
}

/** A function that the model may call. */
export interface ToolDefinition {
  /** Letters, digits, `_`, `-` and `.`. */
  name: string;
  description?: string;
  /** JSON Schema of an object: the arguments. */
  parameters: Record<string, unknown>;
}

/**
 * What the answer must look like. Tokens that do not fit are never drawn, so an answer that was not cut off (`finish`, or
 * a `stop` string) fits.
 * `tools`: free text until the model begins a call in the form its chat template teaches; the call's name and keys are
 * constrained, its values by their schemas. The template is given the tools. `required`: there is a call.
 */
export type GrammarParams =
  | { kind: 'json-schema'; schema: Record<string, unknown> }
  /** XGrammar's EBNF; the rule `root` is the answer. */
  | { kind: 'ebnf'; text: string }
  | { kind: 'tools'; tools: ToolDefinition[]; choice?: 'auto' | 'required' };

/** A call as the model wrote it. `broken`: it can't be carried out; `error` tells the model why, and what to do. */
export type ToolCall =
  | { kind: 'call'; name: string; arguments: Record<string, unknown> }
  | { kind: 'broken'; text: string; error: string };

/** Raw text or a conversation, exactly one of `prompt` and `messages`. */
export interface GenerateParams extends SamplingParams {
  /** Chosen by the client, unique among its running requests; events carry it. */
  requestId: string;
  prompt?: string;
  messages?: ChatMessage[];
  /** Start of the assistant's answer, already written; generation goes on from it. */
  answerPrefix?: string;
  level?: ExpertLevel;
  /** Requests of one conversation share a KV sequence and so reuse the common prefix. Default `chat`. */
  sequence?: string;
  priority?: 'chat' | 'background';
  /** `false`: one run for each token. Default: tokens that stood in the prompt before are drafted, several in one run. */
  drafts?: boolean;
  grammar?: GrammarParams;
  /** Whether a model that can may think aloud before it answers (default: no, or little). It is never part of the text. */
  thinking?: boolean;
}
export type FinishReason = 'stop' | 'length' | 'time' | 'cancelled' | 'repetition';
export interface Usage {
  promptTokens: number;
  /** Prompt tokens whose keys and values were still in the cache. */
  reusedTokens: number;
  outputTokens: number;
  /** Time spent waiting for other requests. */
  queueMs: number;
  prefillMs: number;
  decodeMs: number;
}
export interface GenerateResult {
  text: string;
  /** With a `tools` grammar: the calls in `text`, in order. */
  calls?: ToolCall[];
  finish: FinishReason;
  usage: Usage;
}

export interface CompleteParams extends SamplingParams {
  requestId: string;
  /**
   * 0 = reading ahead: the prompt is read for a request to come, which finds it in the cache, and nothing is written. Runs
   * when nothing else does and is replaced by any newer request of its sequence, which waits for one short chunk at most.
   */
  maxTokens?: number;
  prefix: string;
  suffix: string;
  /**
   * What stands between the two already, before the cursor; the model goes on from it. It ends the prompt, so while text is
   * typed there and `prefix` and `suffix` stay, only that text is read.
   */
  middle?: string;
  /** Other files, most relevant last; put before the prefix with the model's file separator when it has one. */
  files?: { path: string; text: string }[];
  path?: string;
  level?: ExpertLevel;
  /** Decode at most this long; what is there by then is the answer (`finish: 'time'`). */
  decodeBudgetMs?: number;
  /** Give up (finish `time`, empty text) if the prompt would take longer than this to read. */
  prefillBudgetMs?: number;
  /** Stop at the first line end. */
  singleLine?: boolean;
  /**
   * Nobody asked yet: it goes after all that somebody waits for, and is given up (`cancelled`) while there is a chat or
   * background work.
   */
  ahead?: boolean;
  /** Default `completion`. */
  sequence?: string;
}
export interface CompleteResult extends GenerateResult {
  /** Mean natural-log probability of the chosen tokens, for confidence filters. */
  meanLogProb: number;
}

export interface CountParams {
  text?: string;
  messages?: ChatMessage[];
  /** What the messages are sent with; the template describes them to the model. */
  tools?: ToolDefinition[];
}
export interface CountResult {
  tokens: number;
  /** With `messages`: tokens that each message adds, template included. */
  perMessage?: number[];
}

export type DaemonPhase = 'no-model' | 'loading' | 'idle' | 'reading' | 'writing';
export interface StatusResult {
  phase: DaemonPhase;
  model: string | null;
  loadPercent: number | null;
  queued: number;
  uptimeMs: number;
  memory: { rssBytes: number; anonymousBytes: number | null; kvBytes: number };
  sequences: { name: string; tokens: number; capacityTokens: number; bytes: number }[];
  /** Measured by this daemon since the model was loaded; null before the first request. */
  speed: { prefillTokensPerSecond: number | null; decodeTokensPerSecond: number | null };
}

/** Sent while a `generate` or `complete` request runs, in order, until its response. */
export type GenerateEvent =
  | { type: 'queued'; position: number }
  | { type: 'prefill'; done: number; total: number; reused: number }
  /** With a `tools` grammar only what is no call. */
  | { type: 'text'; text: string }
  | { type: 'call'; call: ToolCall }
  /** What the model thinks aloud before its answer. */
  | { type: 'reasoning'; text: string }
  /** Every half second; of a completion also before a text with a line end, and with the confidence so far. */
  | { type: 'usage'; usage: Usage; decodeTokensPerSecond: number; meanLogProb?: number };
export interface GenerateEventParams {
  requestId: string;
  event: GenerateEvent;
}
/** Sent while `model/load` runs. */
export interface LoadProgressParams {
  model: string;
  percent: number;
}
export interface LogParams {
  level: 'debug' | 'info' | 'warn' | 'error';
  message: string;
}

/** method -> [params, result]; cancellation is JSON-RPC's `$/cancelRequest`, sent by the rpc peer for an AbortSignal. */
export interface DaemonRequests {
  initialize: [InitializeParams, InitializeResult];
  'model/load': [ModelLoadParams, ModelInfo];
  'model/unload': [Record<string, never>, Record<string, never>];
  'model/info': [Record<string, never>, ModelInfo | null];
  'model/list': [Record<string, never>, ModelListResult];
  generate: [GenerateParams, GenerateResult];
  complete: [CompleteParams, CompleteResult];
  'tokens/count': [CountParams, CountResult];
  status: [Record<string, never>, StatusResult];
  ping: [Record<string, never>, Record<string, never>];
  shutdown: [Record<string, never>, Record<string, never>];
}
export interface DaemonNotifications {
  'generate/event': GenerateEventParams;
  'model/loadProgress': LoadProgressParams;
  'status/changed': StatusResult;
  log: LogParams;
}

/** Refused above these, before anything is allocated for them. */
export const LIMITS = {
  messageBytes: 16 * 1024 * 1024,
  headerBytes: 8 * 1024,
  promptChars: 4 * 1024 * 1024,
  maxTokens: 16_384,
  stopStrings: 16,
  stopChars: 256,
  messages: 2000,
  grammarChars: 64 * 1024,
  tools: 64,
} as const;
