/** A backend that plays answers from a script, for tests of everything above it. */
import { cancelled, MoebiusError } from '../base/errors.ts';
import type {
  CompleteParams,
  CompleteResult,
  CountParams,
  CountResult,
  GenerateParams,
  GenerateResult,
  Usage,
} from '../protocol/daemon.ts';
import type { Backend, RequestOptions } from './backend.ts';

export type ScriptedRequest =
  | { kind: 'generate'; params: Omit<GenerateParams, 'requestId'> }
  | { kind: 'complete'; params: Omit<CompleteParams, 'requestId'> };
/** The answer as a whole, or in the pieces in which it is streamed; thrown errors reject the request. */
type Script = (request: ScriptedRequest) => string | string[] | Promise<string | string[]>;

export class ScriptedBackend implements Backend {
  readonly #script: Script;
  /** Everything that was asked, in order. */
  readonly requests: ScriptedRequest[] = [];

  /** A list answers one request after the other and rejects with `internal` when it is used up. */
  constructor(script: Script | (string | string[])[]) {
    this.#script = typeof script === 'function' ? script : fromList([...script]);
  }

  generate(params: Omit<GenerateParams, 'requestId'>, options: RequestOptions = {}): Promise<GenerateResult> {
    return this.#play({ kind: 'generate', params }, options);
  }

  async complete(
    params: Omit<CompleteParams, 'requestId'>,
    options: RequestOptions = {},
  ): Promise<CompleteResult> {
    return { ...(await this.#play({ kind: 'complete', params }, options)), meanLogProb: 0 };
  }

  /** Counts words, which is enough for budgets. */
  async count({ text, messages }: CountParams): Promise<CountResult> {
    if (text !== undefined) return { tokens: wordsOf(text) };
    const perMessage = (messages ?? []).map(message => wordsOf(message.content));
    return { tokens: perMessage.reduce((sum, count) => sum + count, 0), perMessage };
  }

  async #play(request: ScriptedRequest, { signal, onEvent }: RequestOptions): Promise<GenerateResult> {
    this.requests.push(request);
    const pieces = [await this.#script(request)].flat();
    for (const text of pieces) {
      // One macrotask a piece, as with a real stream: cancellation can come between two of them.
      await new Promise<void>(resolve => setImmediate(resolve));
      if (signal?.aborted) throw cancelled();
      onEvent?.({ type: 'text', text });
    }
    const usage: Usage = {
      promptTokens: 0,
      reusedTokens: 0,
      outputTokens: pieces.length,
      queueMs: 0,
      prefillMs: 0,
      decodeMs: 0,
    };
    return { text: pieces.join(''), finish: 'stop', usage };
  }
}

function fromList(answers: (string | string[])[]): Script {
  return () => {
    const answer = answers.shift();
    if (answer === undefined) throw new MoebiusError('internal', 'The script has no answer left.');
    return answer;
  };
}

const wordsOf = (text: string): number => text.split(/\s+/).filter(Boolean).length;
