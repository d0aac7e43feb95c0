/**
 * Inline completion from cursor to suggestion. At most one request runs; a newer cursor joins it when what was typed
 * since agrees with what has been written so far, and takes its place otherwise.
 */
import { cancelled } from '../base/errors.ts';
import type { FinishReason } from '../protocol/daemon.ts';
import { isSameAfter, SuggestionCache, typedSince } from './cache.ts';
import { type Cursor, lineBefore } from './cursor.ts';
import { decideExtent, type Extent, type MultilineSetting } from './extent.ts';
import { isEnough, place, refine } from './post/post-process.ts';
import { PromptWindow } from './prompt-window.ts';

export interface CompletionCall {
  path: string;
  prefix: string;
  middle: string;
  suffix: string;
  isSingleLine: boolean;
  /** 0: only read, for the call to come. */
  maxTokens: number;
}
/** Runs the model. Rejects with `cancelled` when the signal aborts. */
export type Complete = (
  call: CompletionCall,
  hooks: { signal: AbortSignal; onText(text: string): void },
) => Promise<{ text: string; finish: FinishReason }>;

export interface SuggestOptions {
  isManual: boolean;
  multiline: MultilineSetting;
  /** Waited before a new model request; cached and running ones answer at once. */
  delayMs: number;
  signal: AbortSignal;
}
export interface Suggestion {
  text: string;
  /** Characters right of the cursor, on its line, that the suggestion replaces. */
  replaceAfter: number;
  source: 'cache' | 'running' | 'model';
}

interface Run {
  origin: Cursor;
  /** Written so far. */
  text: string;
  /** What the user typed since the run began. */
  typed: string;
  waiters: number;
  isStale: boolean;
  abort: AbortController;
  /** Resolves when the run ended, however it ended; its suggestion is in the cache then. */
  ended: Promise<void>;
}

/** A run whose keystroke was overtaken waits this long for the next one to join it. */
const JOIN_GRACE_MS = 250;
const LINE_TOKENS = 48;
const BLOCK_TOKENS = 160;
/** Documents whose prompt window is remembered. */
const WINDOWS = 8;

export class CompletionPipeline {
  private readonly complete: Complete;
  private readonly cache = new SuggestionCache();
  private readonly windows = new Map<string, PromptWindow>();
  private run: Run | null = null;

  constructor(complete: Complete) {
    this.complete = complete;
  }

  /** A suggestion for the cursor or null. Rejects only when the model's request fails, never for cancellation. */
  async suggest(cursor: Cursor, options: SuggestOptions): Promise<Suggestion | null> {
    const extent = decideExtent(cursor, options);
    if (extent === 'none') return null;
    const known = this.fromCache(cursor, 'cache');
    if (known) return known;
    if (this.joins(cursor)) {
      await this.wait(this.run!, options.signal);
      if (options.signal.aborted) return null;
      const joined = this.fromCache(cursor, 'running');
      if (joined) return joined;
    }
    await delay(options.isManual ? 0 : options.delayMs, options.signal);
    if (options.signal.aborted) return null;
    this.run?.abort.abort();
    const run = this.start(cursor, extent);
    await this.wait(run, options.signal);
    return options.signal.aborted ? null : this.fromCache(cursor, 'model');
  }

  /**
   * Has the model read what a request at this cursor will need. The next request takes its place, wherever that is, and finds
   * what was read. Rejects with `cancelled` then, and when the model's request fails.
   */
  async readAhead(cursor: Cursor): Promise<void> {
    const hooks = { signal: new AbortController().signal, onText() {} };
    await this.complete({ ...this.call(cursor, 'line'), maxTokens: 0 }, hooks);
  }

  /** Forgets everything, for another model or other settings. */
  clear(): void {
    this.run?.abort.abort();
    this.cache.clear();
    this.windows.clear();
  }

  private fromCache(cursor: Cursor, source: Suggestion['source']): Suggestion | null {
    const text = this.cache.find(cursor);
    const placed = text === null ? null : place(text, cursor);
    return placed && { ...placed, source };
  }

  private joins(cursor: Cursor): boolean {
    const run = this.run;
    if (!run || run.isStale || run.origin.uri !== cursor.uri) return false;
    const typed = typedSince(run.origin.before.slice(-400), cursor.before, 200);
    if (typed === null || !agrees(run.text, typed, run.origin)) return false;
    if (!isSameAfter(run.origin.after, cursor.after, typed)) return false;
    run.typed = typed;
    return true;
  }

  private start(cursor: Cursor, extent: Extent): Run {
    const run: Run = {
      origin: cursor,
      text: '',
      typed: '',
      waiters: 0,
      isStale: false,
      abort: new AbortController(),
      ended: Promise.resolve(),
    };
    this.run = run;
    run.ended = this.execute(run, extent).finally(() => {
      run.isStale = true;
      if (this.run === run) this.run = null;
    });
    // Whoever waits hears of a failure; a run that was given up must not become an unhandled rejection.
    run.ended.catch(() => {});
    return run;
  }

  private async execute(run: Run, extent: Extent): Promise<void> {
    const { signal } = run.abort;
    signal.addEventListener('abort', () => (run.isStale = true), { once: true });
    let isEnoughWritten = false;
    const onText = (text: string): void => {
      run.text += text;
      if (!agrees(run.text, run.typed, run.origin)) run.abort.abort();
      if (text.includes('\n') && isEnough(run.text, run.origin, extent)) {
        isEnoughWritten = true;
        run.abort.abort();
      }
    };
    try {
      const { text, finish } = await this.complete(this.call(run.origin, extent), { signal, onText });
      this.keep(run.origin, text, extent, finish === 'length' || finish === 'time');
    } catch (error) {
      if (isEnoughWritten) this.keep(run.origin, run.text, extent, true);
      else if (!signal.aborted) throw error;
    }
  }

  private keep(origin: Cursor, text: string, extent: Extent, isCut: boolean): void {
    const refined = refine(text, origin, extent, isCut);
    if (refined !== '') this.cache.put(origin, refined);
  }

  private call(cursor: Cursor, extent: Extent): CompletionCall {
    const isBlankLine = lineBefore(cursor).trim() === '';
    const { prefix, middle, suffix } = this.window(cursor.uri).next(cursor);
    return {
      path: cursor.path,
      prefix,
      middle: isBlankLine ? middle.replace(/[ \t]+$/, '') : middle,
      suffix,
      isSingleLine: extent === 'line',
      maxTokens: extent === 'line' ? LINE_TOKENS : BLOCK_TOKENS,
    };
  }

  private window(uri: string): PromptWindow {
    const window = this.windows.get(uri) ?? new PromptWindow();
    this.windows.delete(uri);
    this.windows.set(uri, window);
    if (this.windows.size > WINDOWS) this.windows.delete(this.windows.keys().next().value!);
    return window;
  }

  /** Until the run ends or the caller gives up; a run that nobody waits for is ended after the grace time. */
  private async wait(run: Run, signal: AbortSignal): Promise<void> {
    run.waiters++;
    const given = new Promise<void>(resolve =>
      signal.addEventListener('abort', () => resolve(), { once: true }),
    );
    try {
      await (signal.aborted ? undefined : Promise.race([run.ended, given]));
    } finally {
      run.waiters--;
      if (signal.aborted)
        setTimeout(() => {
          if (run.waiters === 0) run.abort.abort(cancelled());
        }, JOIN_GRACE_MS).unref?.();
    }
  }
}

/** What was typed and what was written do not contradict each other. */
function agrees(written: string, typed: string, origin: Cursor): boolean {
  const own = lineBefore(origin);
  const text = own.trim() === '' && own !== '' ? written.trimStart() : written;
  const sent = own.trim() === '' && own !== '' ? typed.trimStart() : typed;
  const length = Math.min(text.length, sent.length);
  return text.slice(0, length) === sent.slice(0, length);
}

function delay(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise(resolve => {
    if (ms <= 0 || signal.aborted) return resolve();
    const timer = setTimeout(resolve, ms);
    const giveUp = (): void => {
      clearTimeout(timer);
      resolve();
    };
    signal.addEventListener('abort', giveUp, { once: true });
  });
}
