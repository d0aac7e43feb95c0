/** A backend that plays answers from a script, for tests of everything above it. */
import { cancelled, MoebiusError } from '../base/errors.ts';
import type {
  CompleteParams,
  CompleteResult,
  CountParams,
  CountResult,
  FinishReason,
  GenerateEvent,
  GenerateParams,
  GenerateResult,
  ToolCall,
  Usage,
} from '../protocol/daemon.ts';
import type { Backend, RequestOptions } from './backend.ts';

export type ScriptedRequest =
  | { kind: 'generate'; params: Omit<GenerateParams, 'requestId'> }
  | { kind: 'complete'; params: Omit<CompleteParams, 'requestId'> };
/** An answer that is more than text that was ended by the model. */
export interface ScriptedAnswer {
  text: string;
  calls?: ToolCall[];
  finish?: FinishReason;
  /** What is streamed; default: the text. */
  events?: GenerateEvent[];
}
type Answer = string | string[] | ScriptedAnswer;
/** The answer as a whole, or in the pieces in which it is streamed; thrown errors reject the request. */
export type Script = (request: ScriptedRequest) => Answer | Promise<Answer>;

export class ScriptedBackend implements Backend {
  readonly #script: Script;
  /** Everything that was asked, in order. */
  readonly requests: ScriptedRequest[] = [];

  /** A list answers one request after the other and rejects with `internal` when it is used up. */
  constructor(script: Script | Answer[]) {
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
  async count({ text, messages, tools }: CountParams): Promise<CountResult> {
    if (text !== undefined) return { tokens: wordsOf(text) };
    const perMessage = (messages ?? []).map(message => wordsOf(message.content));
    if (tools && perMessage.length > 0) perMessage[0]! += wordsOf(JSON.stringify(tools));
    return { tokens: perMessage.reduce((sum, count) => sum + count, 0), perMessage };
  }

  async #play(request: ScriptedRequest, { signal, onEvent }: RequestOptions): Promise<GenerateResult> {
    this.requests.push(request);
    const answer = await this.#script(request);
    const { text, calls, finish = 'stop', events = [textEvent(text)] } = wholeAnswer(answer);
    for (const event of events) {
      // One macrotask an event, as with a real stream: cancellation can come between two of them.
      await new Promise<void>(resolve => setImmediate(resolve));
      if (signal?.aborted) throw cancelled();
      onEvent?.(event);
    }
    const usage: Usage = {
      promptTokens: 0,
      reusedTokens: 0,
      outputTokens: events.length,
      queueMs: 0,
      prefillMs: 0,
      decodeMs: 0,
    };
    return { text, finish, usage, ...(calls && { calls }) };
  }
}

const textEvent = (text: string): GenerateEvent => ({ type: 'text', text });

function wholeAnswer(answer: Answer): ScriptedAnswer {
  if (typeof answer === 'string') return { text: answer };
  return Array.isArray(answer) ? { text: answer.join(''), events: answer.map(textEvent) } : answer;
}

function fromList(answers: Answer[]): Script {
  return () => {
    const answer = answers.shift();
    if (answer === undefined) throw new MoebiusError('internal', 'The script has no answer left.');
    return answer;
  };
}

const wordsOf = (text: string): number => text.split(/\s+/).filter(Boolean).length;
