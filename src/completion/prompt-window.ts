/**
 * Which part of a document the model is shown. The engine reuses the keys and values of an equal token prefix, and a prompt
 * is laid out prefix, suffix, middle. So prefix and suffix stay as they are for as long as they fit, and what is typed
 * grows the middle, at the prompt's end: a keystroke costs the tokens it adds. One window per document.
 */
import type { ContextFile } from './context/context-file.ts';
import type { Cursor } from './cursor.ts';
import { type PromptSize, SLOWEST } from './prompt-size.ts';

/**
 * Sizes in characters (code: about 3.3 a token). A cold machine reads some 60 tokens/s, so a window starts small and is
 * allowed to grow to `grownChars` only by text that was read already; both are larger where more is read in peace. The middle starts with a few lines that stand there,
 * which the model continues better than lines it sees before the suffix (docs/evaluation.md), and may grow to
 * `middleChars`; then most of it becomes prefix, and the suffix is read again.
 */
export const WINDOW_LIMITS = {
  startChars: SLOWEST.before,
  startLines: 60,
  grownChars: SLOWEST.grown,
  middleStartChars: 150,
  middleChars: 1000,
  suffixChars: SLOWEST.after,
  suffixLines: 15,
} as const;

/** Enough text to find an old window's start again after lines were inserted above it. */
const ANCHOR_CHARS = 160;
/** A frozen suffix may differ from the true one by this share of its length. */
const SUFFIX_TOLERANCE = 0.1;
/** A window is read in peace once more where the machine has turned out so much faster, and there is so much more of the document. */
const WORTH_GROWING = 1.5;

/** Prefix and middle are the text before the cursor; the prefix ends at a line start. */
export interface PromptText {
  prefix: string;
  middle: string;
  suffix: string;
  /** What other files say, put before the prefix. */
  files: readonly ContextFile[];
  /** Which of the engine's two sequences holds, or is to hold, what was read. */
  buffer: 'a' | 'b';
}
interface Window extends PromptText {
  suffixChars: number;
  /** What it is to have once it was read in peace. */
  size: PromptSize;
  /** Read in peace, with all that was worth reading then; else cut to what could be read at once. */
  isFull: boolean;
}

/**
 * A window is used from one sequence while a larger one is read, in idle time, into the other. Its reading can be
 * broken off at any time: nothing that is in use is lost, and the next pause goes on where it stopped.
 */
export class PromptWindow {
  private last: Window | null = null;
  private coming: Window | null = null;
  private readonly firstBuffer: PromptText['buffer'];

  /** `firstBuffer`: the sequence that is read into first. */
  constructor(firstBuffer: PromptText['buffer'] = 'a') {
    this.firstBuffer = firstBuffer;
  }

  /** The sequence that prompts come from now. */
  get buffer(): PromptText['buffer'] {
    return this.last?.buffer ?? this.firstBuffer;
  }

  /** What is worth most was read in peace: the document around the cursor, at the least. */
  get isSettled(): boolean {
    return this.last !== null && (this.last.isFull || this.last.files.length > 0);
  }

  /**
   * The prompt for this cursor; remembers it, so that the next one can begin with the same text. `coldChars`: of the
   * document, where nothing that was read can be used; a new suffix after a known prefix gets what is left of them.
   */
  next(cursor: Cursor, coldChars: number = WINDOW_LIMITS.startChars, size = SLOWEST): PromptText {
    const { last } = this;
    const isKnown = last !== null && stillFits(last, cursor.after);
    const middle = isKnown ? grownMiddle(last, cursor.before) : null;
    if (middle !== null) {
      this.last = { ...last!, middle };
      return this.last;
    }
    const known = last && continued(last, cursor.before);
    const text =
      known ?? startText(cursor.before, Math.min(coldChars, WINDOW_LIMITS.startChars, size.before));
    const isWhole =
      coldChars >= WINDOW_LIMITS.startChars || cursor.before.length + cursor.after.length <= coldChars;
    const isFull = known === null ? isWhole : last!.isFull;
    const left = known === null ? (isWhole ? Infinity : 0) : coldChars - unreadChars(last!, known);
    const share = Math.round(coldChars * COLD_SUFFIX_SHARE);
    const suffixChars = Math.min(WINDOW_LIMITS.suffixChars, size.after, Math.max(share, left));
    this.last = {
      ...split(text),
      suffix: isKnown ? last.suffix : trimSuffix(cursor.after, suffixChars),
      suffixChars: isKnown ? last.suffixChars : suffixChars,
      size: known === null ? firstSize(size) : last!.size,
      files: last?.files ?? [],
      buffer: this.buffer,
      isFull,
    };
    return this.last;
  }

  /**
   * What to read, besides the next prompt, while there is time; see `adopt`. A larger window in the other sequence, or a
   * longer suffix in the same one, whose prefix is not read again for it. null: there is no more that is worth it.
   */
  ahead(cursor: Cursor, files: readonly ContextFile[], size = SLOWEST): PromptText | null {
    const { last } = this;
    if (last?.isFull && isSameFiles(last.files, files) && canContinue(last, cursor)) {
      const { prefix, middle } = this.next(cursor);
      const isFaster = size.before >= WORTH_GROWING * last.size.before;
      const whole = isFaster ? startText(cursor.before, size.before).length : 0;
      if (whole < WORTH_GROWING * (prefix.length + middle.length)) {
        this.coming = withLongerSuffix(this.last!, cursor, isFaster ? size : last.size);
        return this.coming;
      }
    }
    const begun = this.begun(cursor, size);
    this.coming = {
      ...split(begun.text),
      suffix: trimSuffix(cursor.after, size.after),
      suffixChars: size.after,
      size: begun.size,
      files,
      buffer: this.buffer === 'a' ? 'b' : 'a',
      isFull: true,
    };
    return this.coming;
  }

  /** What `ahead` shows of the document if the files stay as they are. */
  shownAhead(cursor: Cursor, size = SLOWEST): string {
    const { last } = this;
    const kept = last?.isFull && canContinue(last, cursor) ? fromSameStart(last, cursor.before) : null;
    return (kept ?? this.begun(cursor, size).text) + trimSuffix(cursor.after, size.after);
  }

  /** The text before the cursor in the larger window: of the one whose reading was broken off, else of a new one. */
  private begun({ before }: Cursor, size: PromptSize): { text: string; size: PromptSize } {
    const isBegun = this.coming !== null && this.coming.buffer !== this.buffer;
    const text = isBegun ? continued(this.coming!, before) : null;
    return text === null ? { text: startText(before, size.before), size } : { text, size: this.coming!.size };
  }

  /** `text` was read to its end: from now on prompts begin with it. */
  adopt(text: PromptText): void {
    if (text !== this.coming) return;
    this.last = this.coming;
    this.coming = null;
  }
}

/** Of the characters that a cold machine reads at once, what follows the cursor gets this share. */
const COLD_SUFFIX_SHARE = 0.3;

/** Of a window that was not read in peace yet. */
const firstSize = (size: PromptSize): PromptSize => ({
  ...size,
  before: Math.min(size.before, SLOWEST.before),
  after: Math.min(size.after, SLOWEST.after),
  grown: Math.min(size.grown, SLOWEST.grown),
});

function withLongerSuffix(last: Window, { after }: Cursor, size: PromptSize): Window | null {
  const suffix = trimSuffix(after, size.after);
  const isRead = last.suffixChars === size.after || last.suffix === suffix;
  return isRead ? null : { ...last, suffix, suffixChars: size.after, size };
}

const canContinue = (last: Window, { before, after }: Cursor): boolean =>
  stillFits(last, after) && (grownMiddle(last, before) !== null || continued(last, before) !== null);

/** Of `text`, which goes on from the last window's start, what is not in that window's prefix. */
const unreadChars = (last: PromptText, text: string): number =>
  text.length - commonPrefixLength(text, last.prefix);

const isSameFiles = (a: readonly ContextFile[], b: readonly ContextFile[]): boolean =>
  a.length === b.length && a.every((file, i) => file.path === b[i]!.path && file.text === b[i]!.text);

/** What was typed since the prefix was read; null when the prefix has changed or it is too much. */
function grownMiddle(last: Window, before: string): string | null {
  const text = fromSameStart(last, before);
  const middle = text?.startsWith(last.prefix) ? text.slice(last.prefix.length) : null;
  return middle !== null && middle.length <= WINDOW_LIMITS.middleChars ? middle : null;
}

function split(text: string): Pick<PromptText, 'prefix' | 'middle'> {
  const from = Math.max(0, text.length - WINDOW_LIMITS.middleStartChars);
  const lineStart = text.lastIndexOf('\n', from) + 1;
  return { prefix: text.slice(0, lineStart), middle: text.slice(lineStart) };
}

/** The text before the cursor from where the last window began, if enough of it was read then. */
function continued(last: Window, before: string): string | null {
  const text = fromSameStart(last, before);
  if (text === null) return null;
  const unread = unreadChars(last, text);
  // The cursor jumped or an edit changed most of the window: a new one is smaller, or has more above the cursor.
  const isWorthIt = unread <= WINDOW_LIMITS.startChars && (text.length - unread) * 2 >= last.prefix.length;
  return isWorthIt ? text : null;
}

function fromSameStart({ prefix, size }: Window, before: string): string | null {
  const anchor = prefix.slice(0, ANCHOR_CHARS);
  // A prefix shorter than an anchor began where the document does.
  const start = anchor.length < ANCHOR_CHARS ? before.indexOf(anchor) : before.lastIndexOf(anchor);
  return start < 0 || before.length - start > size.grown ? null : before.slice(start);
}

/** The last lines of `before` within the start limits, cut at a line start when there is one. */
function startText(before: string, chars: number = WINDOW_LIMITS.startChars): string {
  const tail = before.slice(-chars);
  const lines = (
    tail.length < before.length && tail.includes('\n') ? tail.slice(tail.indexOf('\n') + 1) : tail
  ).split('\n');
  return lines.slice(-linesIn(chars, WINDOW_LIMITS.startChars, WINDOW_LIMITS.startLines)).join('\n');
}

/** As many more lines as there are more characters than `startChars`. */
const linesIn = (chars: number, startChars: number, startLines: number): number =>
  Math.round(startLines * Math.max(1, chars / startChars));

function trimSuffix(after: string, chars: number): string {
  const lines = linesIn(chars, WINDOW_LIMITS.suffixChars, WINDOW_LIMITS.suffixLines);
  return after.slice(0, chars).split('\n').slice(0, lines).join('\n');
}

/** `old` is the suffix still, but for brackets and quotes that were closed at the cursor and for small edits below it. */
function stillFits({ suffix: old, suffixChars }: Window, after: string): boolean {
  const current = trimSuffix(after, suffixChars);
  if (current === old) return true;
  const closers = /^[\s)\]}"'`]{1,40}/.exec(after)?.[0] ?? '';
  for (const { index } of closers.matchAll(/\S/g))
    if (trimSuffix(after.slice(index + 1), suffixChars) === old) return true;
  const same = commonPrefixLength(old, current);
  // Less than a line in common: the cursor has moved down, and those lines would be there twice.
  if (!/\S.*\n/.test(old.slice(0, same))) return false;
  const changed = Math.max(old.length, current.length) - same - commonSuffixLength(old, current, same);
  return changed <= SUFFIX_TOLERANCE * old.length;
}

function commonPrefixLength(a: string, b: string): number {
  const end = Math.min(a.length, b.length);
  let i = 0;
  while (i < end && a.charCodeAt(i) === b.charCodeAt(i)) i++;
  return i;
}

function commonSuffixLength(a: string, b: string, skipStart: number): number {
  const end = Math.min(a.length, b.length) - skipStart;
  let i = 0;
  while (i < end && a.charCodeAt(a.length - 1 - i) === b.charCodeAt(b.length - 1 - i)) i++;
  return i;
}
