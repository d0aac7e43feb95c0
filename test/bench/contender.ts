/** What every engine under test can do. Each runs in a child process of its own, so that memory is its own. */
import type { ExpertLevel, ModelVariant } from '../../src/protocol/daemon.ts';

export type ContenderConfig =
  | { kind: 'llama'; gguf: string; contextTokens: number; threads: number }
  | {
      kind: 'moebius';
      /** In the report; by default engine and variant. */
      name?: string;
      folder: string;
      variant: ModelVariant;
      contextTokens: number;
      threads: number;
      /** Only scores, token by token: with the kernels that write, which are other ones than those that read. */
      isSingleSteps?: boolean;
    };

export interface Written {
  promptTokens: number;
  /** Prompt tokens that were not read again; a fair round has next to none. */
  reusedTokens: number;
  /** From the call to the first token. */
  firstTokenMs: number;
  /** Tokens after the first, an end token included. */
  steps: number;
  /** Time they took. */
  decodeMs: number;
  text: string;
}

export interface WriteOptions {
  /** Several tokens a run, where they stood in the prompt before; else one. */
  drafts?: boolean;
  /** What this prompt shares with the one before need not be read again. Moebius never reads it again. */
  continues?: boolean;
}

export interface Contender {
  /** Settings that bear on speed, for the report. */
  settings(): Promise<string>;
  tokenize(text: string): Promise<number[]>;
  /** Reads `prompt` and writes greedily up to `maxTokens` tokens. llama.cpp has no levels. */
  write(prompt: string, maxTokens: number, level: ExpertLevel, options?: WriteOptions): Promise<Written>;
  /** Natural-log probability of every token after the first; shape [n-1]. */
  score(tokens: number[], level: ExpertLevel): Promise<Float32Array>;
  close(): Promise<void>;
}

/** What the child does: text is tokenised in the parent where that needs no engine, so that its memory is the engine's alone. */
export type ChildSide = Omit<Contender, 'tokenize'> & Partial<Pick<Contender, 'tokenize'>>;

/** Over IPC: one request at a time, answered in order. */
export type ContenderMethod = keyof Contender;
export interface ContenderRequest {
  method: ContenderMethod;
  args: unknown[];
}
export type ContenderReply = { value: unknown } | { error: string } | { loadedMs: number };
