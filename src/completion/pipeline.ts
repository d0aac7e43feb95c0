/**
 * Inline completion from cursor to suggestion. At most one request runs; a newer cursor joins it when what was typed
 * since agrees with what has been written so far, and takes its place otherwise. While a suggestion is shown, the one
 * that would follow it is prepared.
 */
import { orAborted } from '../base/abort.ts';
import { type Clock, monotonicClock } from '../base/clock.ts';
import type { Disposable } from '../base/disposable.ts';
import { Emitter } from '../base/emitter.ts';
import { cancelled } from '../base/errors.ts';
import { afterEnter } from './after-enter.ts';
import { type Found, SuggestionCache } from './cache.ts';
import { type Cursor, isSamePlace, lineBefore } from './cursor.ts';
import { Dismissals } from './dismissals.ts';
import { decideExtent, type Extent, type MultilineSetting } from './extent.ts';
import { type FilterName, place, refine } from './post/post-process.ts';
import { type Complete, type FilesFor, isCut, type Run, Runner } from './runner.ts';
import { type Silence, silenceAt } from './silence.ts';
import { NO_SYNTAX, type Syntax } from './syntax/syntax.ts';
import { type Outcome, type RunTrace, type Source, TraceLog } from './trace.ts';

export interface SuggestOptions {
  isManual: boolean;
  multiline: MultilineSetting;
  /** Waited before a new model request; cached and running ones answer at once. */
  delayMs: number;
  /** Nothing is computed that was not asked for. */
  isSaving?: boolean;
  /** Shows what the model is unsure of as well, to learn what a threshold costs. */
  showsUnsure?: boolean;
  signal: AbortSignal;
}
export interface Suggestion {
  text: string;
  /** Characters right of the cursor, on its line, that the suggestion replaces. */
  replaceAfter: number;
  source: Source;
  /** How sure the model was of its words, as their mean log-probability; null where it was never told. */
  meanLogProb: number | null;
}

/** A suggestion that stands this long is being read and may well be accepted: time for the one after it. */
const READ_MS = 400;
/**
 * Below this mean log-probability a suggestion is kept back. `npm run replay -- --unsure` (docs/completion.md): little is
 * below it and a fifth of that is right; a higher one would cost the default model suggestions that are accepted.
 */
const LEAST_MEAN_LOG_PROB = -1;
/** Who types the beginning of an unsure suggestion has confirmed it. */
const CONFIRMING_CHARS = 3;
/** Other answers on request, beside the likeliest. */
const OTHERS = 2;

interface Others {
  cursor: Cursor;
  found: Suggestion[];
  /** Resolves when the search has ended, however it ended. */
  ended: Promise<void>;
}

/** What a request has to do with the model. */
interface Asked {
  /** The run that it started. */
  run: Run | null;
  /** The run that wrote what was found. */
  writer: RunTrace | null;
}

export class CompletionPipeline {
  readonly log = new TraceLog();
  private readonly cache = new SuggestionCache();
  private readonly foundOthers = new Emitter<Cursor>();
  /** Other suggestions were found, for nobody who waits, where one is shown that was asked for by hand. */
  readonly onDidFindOthers = this.foundOthers.event;
  private readonly dismissals = new Dismissals();
  private readonly runner: Runner;
  private readonly clock: Clock;
  private readonly syntax: Syntax;
  private preparing: Disposable | null = null;
  /** The run that writes what would follow the suggestion that is shown. */
  private prepared: Run | null = null;
  /** The run that writes ahead, with more before it, where a suggestion is known. */
  private rewriting: Run | null = null;
  /** Suggestions that were asked for so far. */
  private asked = 0;
  /** The suggestion that was shown last. */
  private shown: { cursor: Cursor; text: string } | null = null;
  /** Suggestions beside the likeliest, for the place where they were asked for last. */
  private others: Others | null = null;

  constructor(complete: Complete, clock: Clock = monotonicClock, syntax: Syntax = NO_SYNTAX) {
    this.clock = clock;
    this.syntax = syntax;
    this.runner = new Runner(complete, (...suggestion) => this.cache.put(...suggestion), clock, syntax);
  }

  /** A suggestion for the cursor or null. Rejects only when the model's request fails, never for cancellation. */
  async suggest(cursor: Cursor, options: SuggestOptions): Promise<Suggestion | null> {
    const startedMs = this.clock.now();
    this.asked++;
    this.preparing?.dispose();
    if (this.others && !isSamePlace(this.others.cursor, cursor)) this.runner.stopAsking();
    const asked: Asked = { run: null, writer: null };
    let outcome: Outcome;
    let suggestion: Suggestion | null = null;
    try {
      [outcome, suggestion] = await this.answer(cursor, options, asked);
    } catch (error) {
      outcome = { kind: 'failed', message: (error as Error).message };
      throw error;
    } finally {
      const { isManual } = options;
      const ms = this.clock.now() - startedMs;
      const run = asked.writer ?? asked.run?.trace ?? null;
      this.log.add({
        path: cursor.path,
        lineBefore: lineBefore(cursor),
        isManual,
        ms,
        outcome: outcome!,
        run,
      });
    }
    if (suggestion) {
      this.shown = { cursor, text: suggestion.text };
      this.prepareNext(cursor, suggestion, options);
    }
    return suggestion;
  }

  /**
   * The suggestion, and where it was asked for by hand others. They are waited for where one is shown already: who asks
   * there wants another. Else they are written while the first one is being read, see `onDidFindOthers`.
   */
  async suggestAll(cursor: Cursor, options: SuggestOptions): Promise<Suggestion[]> {
    const isShown = this.isShownAt(cursor);
    const first = await this.suggest(cursor, options);
    if (!first || !options.isManual) return first ? [first] : [];
    const isKnown = this.others !== null && isSamePlace(this.others.cursor, cursor);
    const others = isKnown ? this.others! : this.searchOthers(cursor, options, first);
    if (isShown) await orAborted(others.ended, options.signal).catch(() => undefined);
    else if (!isKnown) void others.ended.then(() => this.tellOthers(others, first));
    return [first, ...others.found.filter(({ text }) => text !== first.text)];
  }

  /** The user has sent away what was shown last; there it is silent from now on, and what would follow it is not wanted. */
  dismiss(): void {
    if (this.shown) this.dismissals.add(this.shown.cursor, this.shown.text);
    this.preparing?.dispose();
    if (this.prepared?.waiters === 0) this.prepared.abort.abort(cancelled());
    this.hide();
  }

  /** Nothing is shown any more: who asks by hand wants the first suggestion and no others. */
  hide(): void {
    this.shown = null;
  }

  /** Prompts are kept within the context of the model. */
  fitTo(contextTokens: number): void {
    this.runner.room.fitTo(contextTokens);
  }

  /** Tokens a second that the model was measured to read; null: it was not yet. */
  get readSpeed(): number | null {
    return this.runner.speed.measured;
  }

  /** What was measured of this model at another time, for the first prompts; null: nothing was. */
  assumeReadSpeed(tokensPerSecond: number | null): void {
    this.runner.speed.assume(tokensPerSecond);
  }

  /** The model was loaded again, or its process started again: what it had read is gone. */
  forgetRead(): void {
    this.runner.forgetRead();
  }

  /**
   * Has the model read what a request at this cursor will need, then a larger part of the document and of other files, see
   * `Runner.readFar`; and after each of them, where `multiline` is given, write what it would suggest, so that it is there
   * with the first key. Any key that needs the model drops it. Rejects with `cancelled` then, and when the model fails.
   */
  async readAhead(
    cursor: Cursor,
    filesFor: FilesFor = async () => [],
    multiline?: MultilineSetting,
  ): Promise<void> {
    if (this.runner.isAsking || silenceAt(cursor, this.syntax) === 'in a long comment') return;
    const { asked } = this;
    const place = this.placeToWrite(cursor);
    const isKnown = place === null || this.runner.wasStartedAt(place) || this.cache.find(place) !== null;
    const write = async () => {
      // A suggestion that is typed through must not change under the user's hands.
      if (multiline && !isKnown && asked === this.asked) await this.writeAhead(place, multiline);
    };
    await this.runner.readNear(cursor);
    await write();
    // At its start a document was opened and nobody types yet: the place to read about is still to come.
    if (cursor.before.trim() === '') return;
    if (await this.runner.readFar(cursor, filesFor)) await write();
  }

  /** Forgets everything, for another model or other settings. */
  clear(): void {
    this.preparing?.dispose();
    this.runner.clear();
    this.cache.clear();
    this.others = null;
    this.dismissals.clear();
  }

  private async answer(
    cursor: Cursor,
    options: SuggestOptions,
    asked: Asked,
  ): Promise<[Outcome, Suggestion | null]> {
    const { isManual, signal } = options;
    const reason = isManual ? null : this.silence(cursor);
    if (reason) return [{ kind: 'silent', reason }, null];
    const known = this.fromCache(cursor, 'cache', options, asked);
    if (known) {
      // What is shown now must not change either when a run ends that began before.
      if (known[1]) this.rewriting?.abort.abort(cancelled());
      return known;
    }
    const running = this.runner.joinable(cursor);
    if (running) {
      await this.runner.wait(running, signal);
      if (signal.aborted) return [{ kind: 'overtaken' }, null];
      const joined = this.fromCache(cursor, 'running', options, asked);
      if (joined) return joined;
    }
    await delay(isManual ? 0 : options.delayMs, signal, this.clock);
    if (signal.aborted) return [{ kind: 'overtaken' }, null];
    const run = this.runner.start(cursor, this.extent(cursor, options));
    asked.run = run;
    await this.runner.wait(run, signal);
    if (signal.aborted) return [{ kind: 'overtaken' }, null];
    return this.fromCache(cursor, 'model', options, asked) ?? [nothingFrom(run), null];
  }

  private async writeAhead(cursor: Cursor, multiline: MultilineSetting): Promise<void> {
    const extent = this.extent(cursor, { isManual: false, multiline });
    if (extent === 'none' || this.runner.isBusy) return;
    const run = this.runner.start(cursor, extent, true);
    this.rewriting = this.cache.find(cursor) && run;
    await run.ended;
    if (!this.runner.isLast(run)) throw cancelled();
  }

  private isShownAt(cursor: Cursor): boolean {
    return this.shown !== null && isSamePlace(this.shown.cursor, cursor);
  }

  /** Starts to look for others; what follows `first` is prepared only then, as there is one model. */
  private searchOthers(cursor: Cursor, options: SuggestOptions, first: Suggestion): Others {
    const found: Suggestion[] = [];
    const ended = this.findOthers(cursor, this.extent(cursor, options), found).then(
      () => {
        if (this.isShownAt(cursor)) this.prepareNext(cursor, first, options);
      },
      // Ended by any other request, without a complaint: who asks here again has them looked for again.
      () => {
        if (this.others === others) this.others = null;
      },
    );
    const others = { cursor, found, ended };
    this.others = others;
    return others;
  }

  private tellOthers({ cursor, found }: Others, first: Suggestion): void {
    const isNews = found.some(({ text }) => text !== first.text);
    if (isNews && this.isShownAt(cursor)) this.foundOthers.fire(cursor);
  }

  /** Adds to `found`; rejects when any request ends it. */
  private async findOthers(cursor: Cursor, extent: Extent, found: Suggestion[]): Promise<void> {
    for (let seed = 1; seed <= OTHERS; seed++) {
      const { text, finish, meanLogProb } = await this.runner.askAgain(cursor, extent, seed);
      const refined = refine(text, { cursor, extent, isCut: isCut(finish), syntax: this.syntax });
      const placed = place(refined.text, cursor);
      if (placed && !found.some(other => other.text === placed.text))
        found.push({ ...placed, source: 'model', meanLogProb });
    }
  }

  private extent(
    cursor: Cursor,
    { isManual, multiline }: Pick<SuggestOptions, 'isManual' | 'multiline'>,
  ): Extent {
    return decideExtent(cursor, { isManual, multiline, syntax: this.syntax });
  }

  private silence(cursor: Cursor): Silence | 'a suggestion was dismissed here' | null {
    return this.dismissals.has(cursor) ? 'a suggestion was dismissed here' : silenceAt(cursor, this.syntax);
  }

  private fromCache(
    cursor: Cursor,
    source: Source,
    { isManual, showsUnsure }: SuggestOptions,
    asked: Asked,
  ): [Outcome, Suggestion | null] | null {
    const found = this.cache.find(cursor);
    if (!found) return null;
    const placed = place(found.text, cursor);
    if (!placed) return source === 'model' ? [{ kind: 'dropped', by: 'brackets' }, null] : null;
    const { text } = placed;
    asked.writer = found.run;
    if (!isManual && !showsUnsure && !isBelievable(found)) return [{ kind: 'unsure', source, text }, null];
    return [
      { kind: 'shown', source, text },
      { ...placed, source, meanLogProb: confidenceOf(found) },
    ];
  }

  /** Where the next suggestion will be: here, or after Enter where a statement has ended; null: at neither. */
  private placeToWrite(cursor: Cursor): Cursor | null {
    return silenceAt(cursor, this.syntax) === 'the statement has ended' ? afterEnter(cursor) : cursor;
  }

  /**
   * The suggestion after this one: ready when it is accepted, and dropped by any other keystroke that needs the model. Not
   * while others than this one are looked for.
   */
  private prepareNext(
    cursor: Cursor,
    { text, replaceAfter }: Suggestion,
    { multiline, isSaving }: SuggestOptions,
  ): void {
    if (isSaving) return;
    this.preparing?.dispose();
    const accepted = { ...cursor, before: cursor.before + text, after: cursor.after.slice(replaceAfter) };
    const next = this.placeToWrite(accepted);
    if (next === null || !this.isToPrepare(next, multiline)) return;
    this.preparing = this.clock.after(READ_MS, () => this.prepare(next, multiline));
  }

  private isToPrepare(place: Cursor, multiline: MultilineSetting): boolean {
    return this.extent(place, { isManual: false, multiline }) !== 'none' && this.cache.find(place) === null;
  }

  private prepare(place: Cursor, multiline: MultilineSetting): void {
    if (this.runner.isBusy) return;
    const { asked } = this;
    const run = this.runner.start(place, this.extent(place, { isManual: false, multiline }), true);
    this.prepared = run;
    const goOn = () => {
      const isOvertaken = run.abort.signal.aborted || asked !== this.asked;
      // The model has nothing to add: the line is finished, and Enter is what comes.
      const below = isOvertaken || nothingFrom(run).kind !== 'nothing' ? null : afterEnter(place);
      if (below && this.isToPrepare(below, multiline)) this.prepare(below, multiline);
    };
    // Nobody waits who is to hear of a failure.
    run.ended.then(goOn, () => undefined);
  }
}

const confidenceOf = ({ run }: Found): number | null => run?.meanLogProb ?? null;

function isBelievable(found: Found): boolean {
  const confidence = confidenceOf(found);
  return confidence === null || confidence >= LEAST_MEAN_LOG_PROB || found.typedChars >= CONFIRMING_CHARS;
}

/** Why a run that ended left no suggestion. */
function nothingFrom({ trace }: Run): Outcome {
  const by: FilterName | undefined = trace?.changedBy.at(-1);
  return by === undefined || trace!.written.trim() === '' ? { kind: 'nothing' } : { kind: 'dropped', by };
}

function delay(ms: number, signal: AbortSignal, clock: Clock): Promise<void> {
  return new Promise(resolve => {
    if (ms <= 0 || signal.aborted) return resolve();
    const timer = clock.after(ms, resolve);
    const giveUp = (): void => {
      timer.dispose();
      resolve();
    };
    signal.addEventListener('abort', giveUp, { once: true });
  });
}
