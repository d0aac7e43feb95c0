/** A backend that answers from a script, for tests of the chat without a model. One token is four characters. */
import type { Backend, RequestOptions } from '../../../src/backends/backend.ts';
import { cancelled } from '../../../src/base/errors.ts';
import type {
  CountParams,
  GenerateParams,
  GenerateResult,
  ModelInfo,
  Usage,
} from '../../../src/protocol/daemon.ts';

type Params = Omit<GenerateParams, 'requestId'>;
/** Yields pieces of text; may throw, or wait on `signal`. */
export type Script = (params: Params, signal: AbortSignal) => AsyncIterable<string>;

export const tokensOf = (text: string): number => Math.ceil(text.length / 4);

export const USAGE: Usage = {
  promptTokens: 9,
  reusedTokens: 4,
  outputTokens: 3,
  queueMs: 0,
  prefillMs: 1,
  decodeMs: 1,
};

export class ScriptedBackend implements Backend {
  readonly requests: Params[] = [];
  script: Script;
  /** What the model thinks aloud before it says anything. */
  thoughts = '';

  constructor(script: Script) {
    this.script = script;
  }

  async generate(params: Params, options: RequestOptions = {}): Promise<GenerateResult> {
    this.requests.push(params);
    const signal = options.signal ?? new AbortController().signal;
    options.onEvent?.({ type: 'prefill', done: 1, total: 2, reused: 0 });
    if (this.thoughts !== '') options.onEvent?.({ type: 'reasoning', text: this.thoughts });
    let text = '';
    for await (const piece of this.script(params, signal)) {
      if (signal.aborted) throw cancelled();
      text += piece;
      options.onEvent?.({ type: 'text', text: piece });
    }
    return { text, finish: 'stop', usage: USAGE };
  }

  complete(): never {
    throw new Error('The chat does not complete.');
  }

  async count({ text, messages }: CountParams) {
    if (text !== undefined) return { tokens: tokensOf(text) };
    const perMessage = (messages ?? []).map(message => tokensOf(message.content));
    return { tokens: perMessage.reduce((sum, count) => sum + count, 0), perMessage };
  }
}

export const says = (...pieces: string[]): Script =>
  async function* () {
    yield* pieces;
  };

/** Says one piece, then nothing until it is stopped. */
export const hangsAfter = (piece: string): Script =>
  async function* (_params, signal) {
    yield piece;
    await new Promise<void>(resolve => signal.addEventListener('abort', () => resolve()));
    throw cancelled();
  };

export function modelInfo(contextTokens: number, experts: ModelInfo['experts'] = null): ModelInfo {
  return {
    id: 'tiny',
    variant: 'int4',
    name: 'Tiny',
    architecture: 'qwen2',
    sizeBytes: 1,
    path: '/tiny',
    capabilities: { chat: true, fillInTheMiddle: true, toolCalls: false, levels: ['exact', 'fast'] },
    loaded: true,
    contextTokens,
    trainedContextTokens: contextTokens,
    parameters: 1,
    experts,
    loadMs: 1,
    threads: 1,
  };
}

/** Waits until `condition` holds; fails after ten seconds. */
export async function until(condition: () => boolean): Promise<void> {
  for (let round = 0; !condition(); round++) {
    if (round > 2000) throw new Error(`Did not happen: ${condition}`);
    await new Promise(resolve => setTimeout(resolve, 5));
  }
}
