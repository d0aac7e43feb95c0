/**
 * Somebody types a file (the script is made in test/bench/typing-script.ts) with ghost text on, and takes a suggestion
 * with Tab when all of it is what was going to be typed. No time passes for real but the engine's own: see engine.ts.
 */
import type { Backend } from '../../src/backends/backend.ts';
import { toMoebiusError } from '../../src/base/errors.ts';
import type { ContextFile } from '../../src/completion/context/context-file.ts';
import type { Cursor } from '../../src/completion/cursor.ts';
import { AdaptiveDebounce } from '../../src/completion/debounce.ts';
import { CompletionPipeline, type Suggestion } from '../../src/completion/pipeline.ts';
import { withinReach } from '../../src/completion/reach.ts';
import { type Occasion, ReadAhead } from '../../src/completion/read-ahead.ts';
import type { Syntax } from '../../src/completion/syntax/syntax.ts';
import type { Outcome } from '../../src/completion/trace.ts';
import { type Editor, press, type Recording } from '../bench/typing-script.ts';
import { ReplayedEngine, type Speeds, type TokensOf } from './engine.ts';
import { Others } from './others.ts';
import { plainSuggestion } from './plain.ts';
import { emptyTally, type Tally } from './tally.ts';
import { VirtualClock } from './virtual-clock.ts';

/** How long a file is open before the first key. */
const OPEN_MS = 2000;
/** From the text to the Tab key: seen, read, decided. */
const READ_MS = 350;
/** Shorter suggestions are typed faster than read. */
const LEAST_ACCEPTED = 4;
/** Of what was typed instead, to be read. */
const TYPED_CHARS = 40;

export interface Document {
  path: string;
  languageId: string;
  /** Of the same package; a plain pipeline takes nothing from them. */
  others?: readonly ContextFile[];
}
type Ghost = Omit<Suggestion, 'source'> & { source: Suggestion['source'] | null };
/** What became of one suggestion, to be read one by one. */
export interface Judged {
  lineBefore: string;
  text: string;
  /** What was then typed, as far as it is compared. */
  typed: string;
  rightChars: number;
  isAccepted: boolean;
  /** null: of the plain pipeline. */
  source: Suggestion['source'] | null;
  /** null as well where the request was ended before it was told. */
  meanLogProb: number | null;
}
export interface Typed {
  tally: Tally;
  judged: Judged[];
}
/** The cursor comes with the whole document. */
type Suggest = (cursor: Cursor, signal: AbortSignal) => Promise<Ghost | null>;

export async function typeFile(
  engine: { backend: Backend; tokensOf: TokensOf; syntax: Syntax },
  document: Document,
  recording: Recording,
  kind: 'moebius' | 'plain',
  speeds: Speeds,
  showsUnsure = false,
): Promise<Typed> {
  const clock = new VirtualClock();
  const user = new User(engine, document, recording, kind, clock, speeds, showsUnsure);
  await clock.until(user.type());
  user.tally.typedMs = clock.now();
  return { tally: user.tally, judged: user.judged };
}

class User {
  readonly tally = emptyTally();
  readonly judged: Judged[] = [];
  readonly #document: Document;
  readonly #clock: VirtualClock;
  readonly #keys: Recording['keys'];
  readonly #suggest: Suggest;
  readonly #readAhead: ReadAhead | null;
  readonly #debounce: AdaptiveDebounce;
  readonly #failures: unknown[] = [];
  #editor: Editor;
  #newest = new AbortController();
  #ghost: Ghost | null = null;
  /** Index of the next key. */
  #next = 0;
  /** The document up to the end of the last suggestion. */
  #suggested = '';
  /** Up to this offset what is typed between two jumps was shown rightly already. */
  #shownUntil = 0;

  constructor(
    { backend, tokensOf, syntax }: { backend: Backend; tokensOf: TokensOf; syntax: Syntax },
    document: Document,
    { opened, keys }: Recording,
    kind: 'moebius' | 'plain',
    clock: VirtualClock,
    speeds: Speeds,
    showsUnsure: boolean,
  ) {
    this.#document = document;
    this.#clock = clock;
    this.#keys = keys;
    this.#editor = opened;
    this.#debounce = new AdaptiveDebounce();
    const { complete } = new ReplayedEngine(backend, tokensOf, clock, speeds, this.tally);
    if (kind === 'plain') {
      this.#readAhead = null;
      this.#suggest = async (cursor, signal) => {
        const text = await plainSuggestion(complete, cursor, clock, signal);
        return text === null ? null : { text, replaceAfter: 0, source: null, meanLogProb: null };
      };
    } else {
      const pipeline = new CompletionPipeline(
        async (call, hooks) => {
          const startedMs = clock.now();
          const answer = await complete(call, hooks);
          if (call.maxTokens > 0) this.#debounce.answered(clock.now() - startedMs);
          return answer;
        },
        clock,
        syntax,
      );
      const others = new Others(document.path, document.others ?? [], clock);
      this.#readAhead = new ReadAhead(clock, () => {
        const cursor = inReach(this.#cursor());
        const { text } = this.#editor;
        const filesFor = (budgetChars: number) => others.filesFor(text, cursor, budgetChars);
        pipeline.readAhead(cursor, filesFor, 'auto').catch(error => this.#fail(error));
      });
      this.#suggest = async (whole, signal) => {
        const cursor = inReach(whole);
        const delayMs = this.#debounce.delayMs(cursor.before.slice(-1));
        const ghost = await pipeline.suggest(cursor, {
          isManual: false,
          multiline: 'auto',
          delayMs,
          showsUnsure,
          signal,
        });
        const outcome = pipeline.log.all[0]?.outcome;
        this.#count(signal.aborted || !outcome ? 'overtaken' : nameOf(outcome));
        return ghost;
      };
    }
  }

  async type(): Promise<void> {
    this.#note('opened');
    await this.#clock.sleep(OPEN_MS);
    while (this.#next < this.#keys.length) {
      const key = this.#keys[this.#next]!;
      await this.#clock.sleep(Math.max(0, key.pauseMs - (this.#ghost ? READ_MS : 0)));
      if (this.#ghost) {
        await this.#clock.sleep(Math.min(READ_MS, key.pauseMs));
        if (this.#accept()) continue;
      }
      this.#newest.abort();
      this.#ghost = null;
      this.#editor = press(this.#editor, key);
      this.#next++;
      this.#note(key.kind === 'jump' ? 'moved' : 'typed');
      if (key.kind === 'jump') {
        this.#shownUntil = 0;
        continue;
      }
      this.tally.keys++;
      this.#ask();
    }
    this.#readAhead?.dispose();
    this.#newest.abort();
    if (this.#failures.length > 0) throw this.#failures[0];
  }

  /** Takes the suggestion if all of it is to come: goes on with the key after those that it saves. */
  #accept(): boolean {
    const ghost = this.#ghost!;
    const { text, offset } = this.#editor;
    if (ghost.text.length < LEAST_ACCEPTED || !this.#coming().startsWith(ghost.text)) return false;
    const wanted = text.slice(0, offset) + ghost.text + text.slice(offset + ghost.replaceAfter);
    let editor = this.#editor;
    for (let i = this.#next; i < this.#keys.length && this.#keys[i]!.kind !== 'jump'; i++) {
      editor = press(editor, this.#keys[i]!);
      if (editor.text !== wanted || editor.offset !== offset + ghost.text.length) continue;
      this.tally.accepted++;
      this.tally.acceptedChars += ghost.text.length;
      this.judged.at(-1)!.isAccepted = true;
      this.tally.keys++;
      this.#next = i + 1;
      this.#editor = editor;
      this.#ghost = null;
      this.#newest.abort();
      this.#note('typed');
      this.#ask();
      return true;
    }
    return false;
  }

  /** What will have been typed here when the cursor moves on; '' where something before the cursor is still to change. */
  #coming(): string {
    let editor = this.#editor;
    const { text, offset } = editor;
    for (let i = this.#next; i < this.#keys.length && this.#keys[i]!.kind !== 'jump'; i++)
      editor = press(editor, this.#keys[i]!);
    const [before, after] = [text.slice(0, offset), text.slice(offset)];
    const isGrown = editor.text.startsWith(before) && editor.text.endsWith(after);
    return isGrown ? editor.text.slice(offset, editor.text.length - after.length) : '';
  }

  #ask(): void {
    const newest = new AbortController();
    this.#newest = newest;
    const pressed = this.#clock.now();
    this.#debounce.keystroke(pressed);
    this.#suggest(this.#cursor(), newest.signal).then(
      ghost => {
        if (!ghost || newest.signal.aborted) return;
        this.#ghost = ghost;
        this.tally.latenciesMs.push(this.#clock.now() - pressed);
        this.tally.shown++;
        this.#judge(ghost);
      },
      error => this.#fail(error),
    );
  }

  #count(outcome: string): void {
    this.tally.outcomes[outcome] = (this.tally.outcomes[outcome] ?? 0) + 1;
  }

  #judge({ text: suggestion, source, meanLogProb }: Ghost): void {
    const { text, offset } = this.#editor;
    const coming = this.#coming();
    const right = commonPrefixLength(suggestion, coming);
    const until = offset + right;
    this.tally.usefulChars += Math.max(0, until - Math.max(offset, this.#shownUntil));
    this.#shownUntil = Math.max(this.#shownUntil, until);
    const suggested = text.slice(0, offset) + suggestion;
    // The rest of what was typed through is the same suggestion.
    if (suggested === this.#suggested) return;
    this.#suggested = suggested;
    this.tally.suggestions++;
    this.tally.suggestedChars += suggestion.length;
    this.tally.rightChars += right;
    this.judged.push({
      lineBefore: text.slice(text.lastIndexOf('\n', offset - 1) + 1, offset),
      text: suggestion,
      typed: coming.slice(0, suggestion.length + TYPED_CHARS),
      rightChars: right,
      isAccepted: false,
      source,
      meanLogProb,
    });
    const lines = suggestion.split('\n');
    const typed = coming.split('\n');
    this.tally.suggestedLines += lines.length;
    this.tally.rightLines += lines.filter((line, i) => line.trimEnd() === typed[i]?.trimEnd()).length;
  }

  #fail(error: unknown): void {
    if (toMoebiusError(error).code !== 'cancelled') this.#failures.push(error);
  }

  #note(occasion: Occasion): void {
    const { text, offset } = this.#editor;
    const line = text.slice(0, offset).split('\n').length - 1;
    this.#readAhead?.note(occasion, { uri: this.#document.path, line });
  }

  #cursor(): Cursor {
    const { text, offset } = this.#editor;
    const { path, languageId } = this.#document;
    return { uri: path, path, languageId, before: text.slice(0, offset), after: text.slice(offset) };
  }
}

/** As an editor gives it to the pipeline. */
const inReach = (cursor: Cursor): Cursor => ({ ...cursor, ...withinReach(cursor, cursor.languageId) });

function nameOf(outcome: Outcome): string {
  switch (outcome.kind) {
    case 'silent':
      return `silent: ${outcome.reason}`;
    case 'dropped':
      return `dropped: ${outcome.by}`;
    case 'shown':
      return `shown: ${outcome.source}`;
    default:
      return outcome.kind;
  }
}

function commonPrefixLength(a: string, b: string): number {
  let length = 0;
  while (length < a.length && a[length] === b[length]) length++;
  return length;
}
