/** The model at work for completions: one run at a time, what it reads through, reading ahead, and asking again. */
import type { Clock } from '../base/clock.ts';
import { cancelled, toMoebiusError } from '../base/errors.ts';
import type { FinishReason, Usage } from '../protocol/daemon.ts';
import { isSameAfter, tailOf, typedSince } from './cache.ts';
import type { ContextFile } from './context/context-file.ts';
import { type Cursor, isSamePlace, lineBefore } from './cursor.ts';
import type { Extent } from './extent.ts';
import { HeldPrompts } from './held-prompts.ts';
import { dropOwnIndentation } from './post/indentation.ts';
import { isEnough, refine } from './post/post-process.ts';
import { type PromptSize, promptSize, Room } from './prompt-size.ts';
import type { PromptText } from './prompt-window.ts';
import { ReadSpeed } from './read-speed.ts';
import type { Syntax } from './syntax/syntax.ts';
import type { RunTrace } from './trace.ts';

export interface CompletionCall {
  path: string;
  prefix: string;
  middle: string;
  suffix: string;
  files: readonly ContextFile[];
  /** Which of two sequences of the engine has read, or is to read, the prompt. */
  buffer: PromptText['buffer'];
  isSingleLine: boolean;
  /** 0: only read, for the call to come. */
  maxTokens: number;
  /** Set for another answer than the likeliest. */
  seed?: number;
  /** Nobody asked yet: whatever somebody waits for goes before it, and may end it (`cancelled`). */
  isAhead?: boolean;
}
export interface CompletionAnswer {
  text: string;
  finish: FinishReason;
  usage: Usage;
  meanLogProb: number;
}
export interface CompletionHooks {
  signal: AbortSignal;
  onText(text: string): void;
  /** What it has taken so far and how sure the model is of its words, where that is known before the answer has ended. */
  onUsage?(usage: Usage, meanLogProb: number): void;
}
/** Runs the model. Rejects with `cancelled` when the signal aborts. */
export type Complete = (call: CompletionCall, hooks: CompletionHooks) => Promise<CompletionAnswer>;

export interface Run {
  origin: Cursor;
  extent: Extent;
  /** It was begun for nobody, see CompletionCall. */
  isAhead: boolean;
  /** Written so far. */
  text: string;
  /** What the user typed since the run began. */
  typed: string;
  waiters: number;
  isStale: boolean;
  /** It was begun for nobody, and ended for what somebody waits for. */
  isGivenUp: boolean;
  abort: AbortController;
  trace: RunTrace | null;
  /** Resolves when the run ended, however it ended; its suggestion is in the cache then. */
  ended: Promise<void>;
}

/** A run whose keystroke was overtaken waits this long for the next one to join it. */
const JOIN_GRACE_MS = 250;
/** More than this was not typed while one answer was written. */
const JOINED_CHARS = 200;
/** Of other files, once the document itself was read: less tells nothing, however slow the machine. What is broken off is not lost. */
const LEAST_FILE_CHARS = 2000;
const LINE_TOKENS = 48;
const BLOCK_TOKENS = 160;

/** Pieces of other files, and of the document where the prompt does not show it: there is time for so many characters. */
export type FilesFor = (budgetChars: number, shown: string) => Promise<readonly ContextFile[]>;

/** Takes the suggestion of a run that has ended. */
export type Keep = (origin: Cursor, text: string, run: RunTrace) => void;

export class Runner {
  private readonly complete: Complete;
  private readonly onSuggestion: Keep;
  private readonly clock: Clock;
  private readonly syntax: Syntax;
  private readonly held = new HeldPrompts();
  readonly speed = new ReadSpeed();
  readonly room = new Room();
  private run: Run | null = null;
  /** The run that was started last. */
  private last: Run | null = null;
  /** What may be dropped at any time. */
  private reading: AbortController | null = null;
  private asking: AbortController | null = null;

  constructor(complete: Complete, onSuggestion: Keep, clock: Clock, syntax: Syntax) {
    this.complete = complete;
    this.onSuggestion = onSuggestion;
    this.clock = clock;
    this.syntax = syntax;
  }

  get isBusy(): boolean {
    return this.run !== null || this.isAsking;
  }

  /** The user waits for another answer. */
  get isAsking(): boolean {
    return this.asking !== null;
  }

  /** The run that is writing what fits this cursor, if one is. */
  joinable(cursor: Cursor): Run | null {
    const run = this.run;
    if (!run || run.isStale || run.origin.uri !== cursor.uri) return null;
    const typed = typedSince(tailOf(run.origin), cursor.before, JOINED_CHARS);
    if (typed === null || !agrees(run.text, typed, run.origin)) return null;
    // Of one line nothing is left on the next one.
    if (run.extent === 'line' && typed.includes('\n')) return null;
    if (!isSameAfter(run.origin.after, cursor.after, typed)) return null;
    run.typed = typed;
    return run;
  }

  /** The last run began here, whatever became of it, unless it was given up for a chat, say. */
  wasStartedAt(cursor: Cursor): boolean {
    return this.last !== null && !this.last.isGivenUp && isSamePlace(this.last.origin, cursor);
  }

  /** No other run was started since. */
  isLast(run: Run): boolean {
    return this.last === run;
  }

  /** Starts a run in the place of the one there is. */
  start(cursor: Cursor, extent: Extent, isAhead = false): Run {
    this.stop();
    const run: Run = {
      origin: cursor,
      extent,
      isAhead,
      text: '',
      typed: '',
      waiters: 0,
      isStale: false,
      isGivenUp: false,
      abort: new AbortController(),
      trace: null,
      ended: Promise.resolve(),
    };
    this.run = run;
    this.last = run;
    run.ended = this.execute(run).finally(() => {
      run.isStale = true;
      if (this.run === run) this.run = null;
    });
    // Whoever waits hears of a failure; a run that was given up must not become an unhandled rejection.
    run.ended.catch(() => {});
    return run;
  }

  /** Another answer than the likeliest, as the model writes it. Any request ends it: rejects with `cancelled` then. */
  async askAgain(cursor: Cursor, extent: Extent, seed: number): Promise<CompletionAnswer> {
    this.reading?.abort();
    this.stopAsking();
    const asking = new AbortController();
    this.asking = asking;
    const call = { ...this.call(cursor, extent, this.next(cursor)), seed };
    try {
      return await this.ask(call, { signal: asking.signal, onText() {} });
    } finally {
      if (this.asking === asking) this.asking = null;
    }
  }

  /**
   * Has the model read what a request at this cursor will need. Any request drops it, and finds what was read. Rejects with
   * `cancelled` then, and while the user waits for another answer; and when the model's request fails.
   */
  async readNear(cursor: Cursor): Promise<void> {
    const { signal } = this.startReading();
    await this.read(cursor, this.next(cursor), signal);
  }

  /**
   * As `readNear`, a larger part of the document and of other files, beside what was read. False: there is no more to
   * read.
   */
  async readFar(cursor: Cursor, filesFor: FilesFor): Promise<boolean> {
    const { signal } = this.startReading();
    const near = this.held.window(cursor.uri);
    const size = this.size(near.isSettled ? LEAST_FILE_CHARS : 0);
    const files = await filesFor(size.files, near.shownAhead(cursor, size));
    if (signal.aborted) throw cancelled();
    const window = this.held.window(cursor.uri);
    const far = window.ahead(cursor, files, size);
    if (!far) return false;
    await this.read(cursor, far, signal);
    window.adopt(far);
    return true;
  }

  private startReading(): AbortController {
    if (this.isAsking) throw cancelled();
    this.reading?.abort();
    this.reading = new AbortController();
    return this.reading;
  }

  private async read(cursor: Cursor, prompt: PromptText, signal: AbortSignal): Promise<void> {
    const call = { ...this.call(cursor, 'line', prompt), maxTokens: 0 };
    const { usage } = await this.ask(call, { signal, onText() {} });
    this.noteSpeed(usage);
  }

  stop(): void {
    this.run?.abort.abort();
    this.reading?.abort();
    this.stopAsking();
  }

  /** Other answers are not wanted any more. */
  stopAsking(): void {
    this.asking?.abort();
  }

  /** The engine has lost what it had read: it was restarted, or loaded again. */
  forgetRead(): void {
    this.held.clear();
  }

  /** Ends everything and forgets what was read. */
  clear(): void {
    this.stop();
    this.last = null;
    this.room.forgetDensity();
    this.forgetRead();
  }

  private async execute(run: Run): Promise<void> {
    const { origin, extent, isAhead } = run;
    const { signal } = run.abort;
    signal.addEventListener('abort', () => (run.isStale = true), { once: true });
    let isEnoughWritten = false;
    const onText = (text: string): void => {
      run.text += text;
      if (!agrees(run.text, run.typed, origin)) run.abort.abort();
      if (
        text.includes('\n') &&
        isEnough(run.text, { cursor: origin, extent, isCut: true, syntax: this.syntax })
      ) {
        isEnoughWritten = true;
        run.abort.abort();
      }
    };
    const prompt = this.next(origin);
    run.trace = { prompt, written: '', changedBy: [], usage: null, meanLogProb: null };
    const onUsage = (usage: Usage, meanLogProb: number): void => {
      run.trace = { ...run.trace!, usage, meanLogProb };
    };
    try {
      const call = { ...this.call(origin, extent, prompt), ...(isAhead && { isAhead }) };
      const answer = await this.ask(call, { signal, onText, onUsage });
      const { text, finish, usage, meanLogProb } = answer;
      onUsage(usage, meanLogProb);
      this.noteSpeed(usage);
      if (isEnoughWritten || !signal.aborted) this.keep(run, text, isCut(finish));
    } catch (error) {
      if (isAhead && !signal.aborted && toMoebiusError(error).code === 'cancelled') {
        run.isGivenUp = true;
        // Who has joined it since asks anew.
        run.abort.abort();
      }
      if (!isEnoughWritten && !signal.aborted) throw error;
      if (run.trace.usage) this.noteSpeed(run.trace.usage);
      if (isEnoughWritten) this.keep(run, run.text, true);
    }
  }

  private keep(run: Run, text: string, isCut: boolean): void {
    const { origin, extent } = run;
    const refined = refine(text, { cursor: origin, extent, isCut, syntax: this.syntax });
    const { changedBy } = refined;
    run.trace = { ...run.trace!, written: text, changedBy };
    if (refined.text !== '') this.onSuggestion(origin, refined.text, run.trace);
  }

  private next(cursor: Cursor): PromptText {
    return this.held.window(cursor.uri).next(cursor, this.speed.coldChars, this.size());
  }

  private size(leastFileChars = 0): PromptSize {
    return promptSize(this.speed.idleChars, this.room.chars, leastFileChars);
  }

  private async ask(call: CompletionCall, hooks: CompletionHooks): Promise<CompletionAnswer> {
    try {
      const answer = await this.complete(call, hooks);
      this.room.loosen(charsOf(call), answer.usage.promptTokens);
      return answer;
    } catch (error) {
      // The next prompt is another, smaller one.
      if (toMoebiusError(error).code === 'context-full') {
        this.room.tighten();
        this.forgetRead();
      }
      throw error;
    }
  }

  private noteSpeed({ promptTokens, reusedTokens, prefillMs }: Usage): void {
    this.speed.note(promptTokens - reusedTokens, prefillMs);
  }

  private call(cursor: Cursor, extent: Extent, prompt: PromptText): CompletionCall {
    const { prefix, middle, suffix, files, buffer } = prompt;
    const isBlankLine = lineBefore(cursor).trim() === '';
    this.held.take(cursor.uri, buffer);
    return {
      path: cursor.path,
      prefix,
      middle: isBlankLine ? middle.replace(/[ \t]+$/, '') : middle,
      suffix,
      files,
      buffer,
      isSingleLine: extent === 'line',
      maxTokens: extent === 'line' ? LINE_TOKENS : BLOCK_TOKENS,
    };
  }

  /** Until the run ends or the caller gives up; a run that nobody waits for is ended after the grace time. */
  async wait(run: Run, signal: AbortSignal): Promise<void> {
    run.waiters++;
    const given = new Promise<void>(resolve =>
      signal.addEventListener('abort', () => resolve(), { once: true }),
    );
    try {
      await (signal.aborted ? undefined : Promise.race([run.ended, given]));
    } finally {
      run.waiters--;
      if (signal.aborted)
        this.clock.after(JOIN_GRACE_MS, () => {
          if (run.waiters === 0) run.abort.abort(cancelled());
        });
    }
  }
}

const charsOf = ({ files, prefix, middle, suffix }: CompletionCall): number =>
  [prefix, middle, suffix, ...files.map(({ text }) => text)].reduce((sum, { length }) => sum + length, 0);

export const isCut = (finish: FinishReason): boolean => finish === 'length' || finish === 'time';

/** What was typed and what was written do not contradict each other, by the text that the cache will have. */
function agrees(written: string, typed: string, origin: Cursor): boolean {
  const text = dropOwnIndentation(written, origin);
  const length = Math.min(text.length, typed.length);
  return text.slice(0, length) === typed.slice(0, length);
}
