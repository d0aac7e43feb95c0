/**
 * Which part of a document the model is shown. The engine reuses the keys and values of an equal token prefix, and a prompt
 * is laid out prefix, suffix, middle. So prefix and suffix stay as they are for as long as they fit, and what is typed
 * grows the middle, at the prompt's end: a keystroke costs the tokens it adds. One window per document.
 */
import type { ContextFile } from './context/context-file.ts';
import type { Cursor } from './cursor.ts';

/**
 * Sizes in characters (code: about 3.3 a token). A cold machine reads some 60 tokens/s, so a window starts small and is
 * allowed to grow to `grownChars` only by text that was read already. The middle starts with a few lines that stand there,
 * which the model continues better than lines it sees before the suffix (docs/evaluation.md), and may grow to
 * `middleChars`; then most of it becomes prefix, and the suffix is read again.
 */
export const WINDOW_LIMITS = {
  startChars: 1500,
  startLines: 60,
  grownChars: 6000,
  middleStartChars: 150,
  middleChars: 1000,
  suffixChars: 600,
  suffixLines: 15,
} as const;

/** Enough text to find an old window's start again after lines were inserted above it. */
const ANCHOR_CHARS = 160;
/** A frozen suffix may differ from the true one by this share of its length. */
const SUFFIX_TOLERANCE = 0.1;

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
  next(cursor: Cursor, coldChars: number = WINDOW_LIMITS.startChars): PromptText {
    const { last } = this;
    const isKnown = last !== null && stillFits(last, cursor.after);
    const middle = isKnown ? grownMiddle(last, cursor.before) : null;
    if (middle !== null) {
      this.last = { ...last!, middle };
      return this.last;
    }
    const known = last && continued(last, cursor.before);
    const text = known ?? startText(cursor.before, Math.min(coldChars, WINDOW_LIMITS.startChars));
    const isWhole =
      coldChars >= WINDOW_LIMITS.startChars || cursor.before.length + cursor.after.length <= coldChars;
    const isFull = known === null ? isWhole : last!.isFull;
    const left = known === null ? (isWhole ? Infinity : 0) : coldChars - unreadChars(last!, known);
    const share = Math.round(coldChars * COLD_SUFFIX_SHARE);
    const suffixChars = Math.min(WINDOW_LIMITS.suffixChars, Math.max(share, left));
    this.last = {
      ...split(text),
      suffix: isKnown ? last.suffix : trimSuffix(cursor.after, suffixChars),
      suffixChars: isKnown ? last.suffixChars : suffixChars,
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
  ahead(cursor: Cursor, files: readonly ContextFile[]): PromptText | null {
    const { suffixChars } = WINDOW_LIMITS;
    const suffix = trimSuffix(cursor.after, suffixChars);
    if (this.last?.isFull && isSameFiles(this.last.files, files) && canContinue(this.last, cursor)) {
      this.next(cursor);
      const isRead = this.last.suffixChars === suffixChars || this.last.suffix === suffix;
      this.coming = isRead ? null : { ...this.last, suffix, suffixChars };
      return this.coming;
    }
    const isBegun = this.coming !== null && this.coming.buffer !== this.buffer;
    const text = (isBegun && continued(this.coming!, cursor.before)) || startText(cursor.before);
    this.coming = {
      ...split(text),
      suffix,
      suffixChars,
      files,
      buffer: this.buffer === 'a' ? 'b' : 'a',
      isFull: true,
    };
    return this.coming;
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

const canContinue = (last: Window, { before, after }: Cursor): boolean =>
  stillFits(last, after) && (grownMiddle(last, before) !== null || continued(last, before) !== null);

/** Of `text`, which goes on from the last window's start, what is not in that window's prefix. */
const unreadChars = (last: PromptText, text: string): number =>
  text.length - commonPrefixLength(text, last.prefix);

const isSameFiles = (a: readonly ContextFile[], b: readonly ContextFile[]): boolean =>
  a.length === b.length && a.every((file, i) => file.path === b[i]!.path && file.text === b[i]!.text);

/** What was typed since the prefix was read; null when the prefix has changed or it is too much. */
function grownMiddle(last: PromptText, before: string): string | null {
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
function continued(last: PromptText, before: string): string | null {
  const text = fromSameStart(last, before);
  if (text === null) return null;
  const unread = unreadChars(last, text);
  // The cursor jumped or an edit changed most of the window: a new one is smaller, or has more above the cursor.
  const isWorthIt = unread <= WINDOW_LIMITS.startChars && (text.length - unread) * 2 >= last.prefix.length;
  return isWorthIt ? text : null;
}

function fromSameStart({ prefix }: PromptText, before: string): string | null {
  const anchor = prefix.slice(0, ANCHOR_CHARS);
  // A prefix shorter than an anchor began where the document does.
  const start = anchor.length < ANCHOR_CHARS ? before.indexOf(anchor) : before.lastIndexOf(anchor);
  return start < 0 || before.length - start > WINDOW_LIMITS.grownChars ? null : before.slice(start);
}

/** The last lines of `before` within the start limits, cut at a line start when there is one. */
function startText(before: string, chars: number = WINDOW_LIMITS.startChars): string {
  const tail = before.slice(-chars);
  const lines = (
    tail.length < before.length && tail.includes('\n') ? tail.slice(tail.indexOf('\n') + 1) : tail
  ).split('\n');
  return lines.slice(-WINDOW_LIMITS.startLines).join('\n');
}

function trimSuffix(after: string, chars: number): string {
  return after.slice(0, chars).split('\n').slice(0, WINDOW_LIMITS.suffixLines).join('\n');
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
