/**
 * The window of the model and what is in it, by exact count. No request goes over it and nothing leaves it silently: when it fills
 * up, old results are first reduced to a line each, then what happened is summed up by the model, on the same sequence, so that
 * nothing is read again for it.
 */
import type { Backend } from '../backends/backend.ts';
import { MoebiusError } from '../base/errors.ts';
import { type ChatMessage, LIMITS, type ToolDefinition } from '../protocol/daemon.ts';
import { fitText, lines } from './result-text.ts';

/** Kept free for the answer: this part of the window, at most so many tokens. */
const ANSWER_SHARE = 0.15;
const ANSWER_TOKENS = 4096;
/** Of the rest: when this much is used, room is made; later where what can't be left out needs most of it. */
const FULL_SHARE = 0.8;
/** Of the window, for one result. */
const RESULT_SHARE = 0.15;
/** A result has this much room even when little is left: enough for an error and what to do. */
const RESULT_MIN_TOKENS = 100;
export const SUMMARY_TOKENS = 700;
/** What the request for a summary adds to the prompt, generously. */
const SUMMARY_REQUEST_TOKENS = 200;
/** The newest turns, whose results stay whole. */
const WHOLE_TURNS = 2;
/** After a summary the newest turn stays, if it needs no more than this part of the room. */
const NEWEST_SHARE = 0.4;
const STUB_LINE_CHARS = 100;
const STUB_END = ' lines left out to save room; call the tool again if you need them)';

const SUMMARY_REQUEST = `The conversation is getting too long. Do not call tools now. Write a summary with which you can go on with the task:
what the task is, what you found out (paths, names, line numbers), what you changed, what you ran and how it ended, what is left to do.`;

export interface Compaction {
  messages: ChatMessage[];
  tokens: number;
  /** For the user: what was left out. */
  notice: string;
  /** So many of the newest turns are there as they were. */
  wholeTurns: number;
}

/** What stays of turns that are left out. */
export interface Memory {
  /** By the model, on the same sequence; '' if it wrote none. */
  summarise(messages: ChatMessage[]): Promise<string>;
  /** The steps that the model wrote down; '' without any. */
  plan: string;
  /** What the host knows of it, for want of a summary; '' if nothing. */
  facts: string;
}

export class ContextWindow {
  readonly #backend: Backend;
  readonly #windowTokens: number;
  readonly #tools: ToolDefinition[];
  readonly #signal: AbortSignal;
  /** Of what can't be left out: system prompt, tools, task, and what stays of the rest. */
  #beginTokens = 0;

  constructor(backend: Backend, windowTokens: number, tools: ToolDefinition[], signal: AbortSignal) {
    this.#backend = backend;
    this.#windowTokens = windowTokens;
    this.#tools = tools;
    this.#signal = signal;
  }

  /** Largest prompt. */
  get promptRoom(): number {
    return this.#windowTokens - Math.min(ANSWER_TOKENS, Math.floor(this.#windowTokens * ANSWER_SHARE));
  }

  /**
   * Notes the prompt that nothing can be left out of yet.
   * @throws MoebiusError `context-full` if it is too long
   */
  begin(promptTokens: number): void {
    if (promptTokens > this.promptRoom) throw tooLong(promptTokens, this.promptRoom);
    this.#beginTokens = promptTokens;
  }

  isFull(promptTokens: number): boolean {
    return promptTokens > Math.max(this.promptRoom * FULL_SHARE, (this.promptRoom + this.#beginTokens) / 2);
  }

  /** Longest answer to a prompt; a result of it must fit behind it. */
  answerRoom(promptTokens: number): number {
    const result = Math.min(this.#resultRoom, Math.floor((this.#windowTokens - promptTokens) / 4));
    return Math.min(LIMITS.maxTokens, Math.max(1, this.#windowTokens - promptTokens - result));
  }

  /** Room of the next result, with `usedTokens` in the prompt before it and `more` results to come. */
  resultRoom(usedTokens: number, more: number): number {
    const left = Math.floor((this.promptRoom - this.#summaryRoom - usedTokens) / (more + 1));
    return Math.max(RESULT_MIN_TOKENS, Math.min(this.#resultRoom, left));
  }

  /**
   * Kept free of results where the beginning, a summary and a result would not fit together: such a result would be left out before
   * the model reads it, turn after turn.
   */
  get #summaryRoom(): number {
    const all = this.#beginTokens + SUMMARY_TOKENS + this.#resultRoom;
    return all > this.promptRoom ? SUMMARY_TOKENS : 0;
  }

  get #resultRoom(): number {
    return Math.floor(this.#windowTokens * RESULT_SHARE);
  }

  async countText(text: string): Promise<number> {
    return (await this.#backend.count({ text }, { signal: this.#signal })).tokens;
  }

  async countPrompt(messages: ChatMessage[]): Promise<number> {
    const tools = this.#tools.length > 0 ? { tools: this.#tools } : {};
    return (await this.#backend.count({ messages, ...tools }, { signal: this.#signal })).tokens;
  }

  /**
   * Makes room. `task`: the message that the work began with, which stays.
   * @throws MoebiusError `context-full` if the task alone is too long
   */
  async compact(
    messages: ChatMessage[],
    tokens: number,
    task: ChatMessage,
    memory: Memory,
  ): Promise<Compaction> {
    const stubbed = stubResults(messages);
    const stubbedTokens = stubbed === messages ? tokens : await this.countPrompt(stubbed);
    if (!this.isFull(stubbedTokens)) {
      const notice =
        'Old results of tools were reduced to one line each, because the context was filling up.';
      return { messages: stubbed, tokens: stubbedTokens, notice, wholeTurns: WHOLE_TURNS };
    }
    const isAskable = stubbedTokens + SUMMARY_REQUEST_TOKENS + SUMMARY_TOKENS <= this.#windowTokens;
    const written = isAskable
      ? await memory.summarise([...stubbed, { role: 'user', content: SUMMARY_REQUEST }])
      : '';
    const summary = written.trim();
    return this.#restart(messages, task, await this.#remembered(summary, memory), summary !== '');
  }

  async #remembered(summary: string, { plan, facts }: Memory): Promise<string> {
    const soFar =
      summary === ''
        ? 'What happened so far did not fit any more; look at the files again.'
        : `What happened so far:\n${summary}`;
    const known = [plan, summary === '' ? facts : ''].filter(Boolean).join('\n\n');
    if (known === '') return soFar;
    const { text } = await fitText(lines(known), SUMMARY_TOKENS, one => this.countText(one));
    return `${soFar}\n\n${text}`;
  }

  /** The conversation begun again: system prompt, task with what is remembered, newest turn. */
  async #restart(
    messages: ChatMessage[],
    task: ChatMessage,
    memory: string,
    isSummedUp: boolean,
  ): Promise<Compaction> {
    const begin = [messages[0]!, { role: task.role, content: `${task.content}\n\n${memory}` }];
    const beginTokens = await this.countPrompt(begin);
    this.begin(beginTokens);
    const all = [...begin, ...newestTurn(messages, task)];
    const allTokens = await this.countPrompt(all);
    const isKept = allTokens - beginTokens <= this.promptRoom * NEWEST_SHARE && allTokens <= this.promptRoom;
    const what = isSummedUp ? 'The conversation was summed up' : 'The earlier conversation was left out';
    return {
      messages: isKept ? all : begin,
      tokens: isKept ? allTokens : beginTokens,
      notice: `${what}, because the context of the model was full.`,
      wholeTurns: isKept ? 1 : 0,
    };
  }
}

const tooLong = (tokens: number, room: number): MoebiusError =>
  new MoebiusError(
    'context-full',
    `The task needs ${tokens.toLocaleString('en')} tokens with the system prompt and the tools, but the model has room for ` +
      `${room.toLocaleString('en')}. Attach less, or load the model with a larger context.`,
  );

/** The same list if there is nothing to reduce. */
function stubResults(messages: ChatMessage[]): ChatMessage[] {
  const turns = messages.flatMap((message, index) => (message.role === 'assistant' ? [index] : []));
  const wholeFrom = turns.at(-WHOLE_TURNS) ?? 0;
  let isSame = true;
  const stubbed = messages.map((message, index) => {
    if (message.role !== 'tool' || index >= wholeFrom || message.content.endsWith(STUB_END)) return message;
    const stub = stubOf(message.content);
    if (stub.length >= message.content.length) return message;
    isSame = false;
    return { ...message, content: stub };
  });
  return isSame ? messages : stubbed;
}

function stubOf(content: string): string {
  const [first = '', ...others] = content.split('\n');
  return `(${first.slice(0, STUB_LINE_CHARS)} … ${others.length}${STUB_END}`;
}

/** The last answer for this task and what its calls came to. */
function newestTurn(messages: readonly ChatMessage[], task: ChatMessage): ChatMessage[] {
  const last = messages.findLastIndex(message => message.role === 'assistant');
  return last > messages.lastIndexOf(task) ? messages.slice(last) : [];
}
