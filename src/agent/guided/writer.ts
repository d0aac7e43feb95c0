/** Asks the model within the task's budget, keeps count of what it cost, and lets the user see it write. */
import { MoebiusError } from '../../base/errors.ts';
import type { ChatMessage, FinishReason } from '../../protocol/daemon.ts';
import type { AgentOptions } from '../agent.ts';
import { historyEvent } from '../steps.ts';
import type { Filled } from './line-mends.ts';

/** A line longer than this is not code that a person wrote. */
const LINE_TOKENS = 64;

export interface WriteRequest {
  messages: ChatMessage[];
  /** What the answer begins with; part of the text that comes back. */
  answerPrefix?: string;
  /** Of an answer that is written in parts, what it was after the last one: it is still the same turn, and was shown. */
  goesOnFrom?: string;
  maxTokens: number;
  temperature: number;
  topP?: number;
  seed: number;
  stop?: string[];
}
export interface GapRequest {
  prefix: string;
  suffix: string;
  path: string;
  /** Code that explains it. */
  files: { path: string; text: string }[];
  /** Default: the likeliest line. */
  sampling?: { temperature: number; topP: number; seed: number };
}
export interface Written {
  text: string;
  finish: FinishReason;
}

export class Writer {
  turns = 0;
  promptTokens = 0;
  reusedTokens = 0;
  outputTokens = 0;
  /** The messages of the last request with its answer: what a later task goes on from. */
  history: ChatMessage[];
  private readonly options: AgentOptions;

  constructor(options: AgentOptions) {
    this.options = options;
    this.history = options.history;
  }

  /** For so many answers, and to write at all; the time ends a task by its signal. */
  hasBudget(answers = 1): boolean {
    const { turns, outputTokens } = this.options.budget;
    return this.turns + answers <= turns && this.outputTokens < outputTokens;
  }

  /** A pass over single lines counts as one answer. */
  beginPass(notice: string): void {
    this.options.emit({ type: 'turn', turn: ++this.turns });
    this.options.emit({ type: 'notice', text: notice });
  }

  /** One line for a gap, not part of the conversation; null when the budget is used up or the model can't fill gaps. */
  async fillIn({ prefix, suffix, path, files, sampling }: GapRequest): Promise<Filled | null> {
    const { backend, signal, sequence, level, budget } = this.options;
    if (this.outputTokens >= budget.outputTokens) return null;
    signal.throwIfAborted();
    try {
      const { text, usage, meanLogProb } = await backend.complete(
        {
          ...{ prefix, suffix, path, files, singleLine: true, maxTokens: LINE_TOKENS },
          ...(sampling ?? { temperature: 0 }),
          sequence: `${sequence}-lines`,
          ...(level && { level }),
        },
        { signal },
      );
      this.promptTokens += usage.promptTokens;
      this.reusedTokens += usage.reusedTokens;
      this.outputTokens += usage.outputTokens;
      return { text, confidence: meanLogProb };
    } catch (error) {
      if (error instanceof MoebiusError && error.code === 'unsupported') return null;
      throw error;
    }
  }

  async write(request: WriteRequest): Promise<Written> {
    const { messages, answerPrefix = '', goesOnFrom = '', maxTokens, ...sampling } = request;
    const { backend, emit, signal, sequence, level, budget } = this.options;
    signal.throwIfAborted();
    if (goesOnFrom === '') emit({ type: 'turn', turn: ++this.turns });
    const given = answerPrefix.slice(commonLength(answerPrefix, goesOnFrom));
    if (given) emit({ type: 'text', text: given });
    const { text, finish, usage } = await backend.generate(
      {
        messages,
        sequence,
        maxTokens: Math.max(1, Math.min(maxTokens, budget.outputTokens - this.outputTokens)),
        ...sampling,
        ...(answerPrefix && { answerPrefix }),
        ...(level && { level }),
      },
      { signal, onEvent: event => event.type === 'text' && emit({ type: 'text', text: event.text }) },
    );
    this.promptTokens += usage.promptTokens;
    this.reusedTokens += usage.reusedTokens;
    this.outputTokens += usage.outputTokens;
    const whole = text.startsWith(answerPrefix) ? text : answerPrefix + text;
    this.record(messages, whole);
    return { text: whole, finish };
  }

  /** The conversation is these messages and their answer, whoever gave it. */
  record(messages: readonly ChatMessage[], answer: string): void {
    const after: ChatMessage[] = [...messages, { role: 'assistant', content: answer }];
    this.options.emit(historyEvent(this.history, after));
    this.history = after;
  }
}

function commonLength(a: string, b: string): number {
  let length = 0;
  while (length < a.length && a[length] === b[length]) length++;
  return length;
}
