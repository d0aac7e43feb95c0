/**
 * Which part of a document the model is shown. The engine reuses the keys and values of an equal token prefix, so the
 * window moves as rarely as it can: its start stays where it is while the text after it grows, and the suffix stays
 * frozen until it differs materially. One window per document.
 */
import { type Cursor, lineAfter } from './cursor.ts';

/**
 * Sizes in characters (code: about 3.3 a token). A cold machine reads some 60 tokens/s, so a window starts small and is
 * allowed to grow to `grownChars` only by text that was read already.
 */
export const WINDOW_LIMITS = {
  startChars: 1500,
  startLines: 60,
  grownChars: 6000,
  suffixChars: 600,
  suffixLines: 15,
} as const;

/** Enough text to find an old window's start again after lines were inserted above it. */
const ANCHOR_CHARS = 160;
/** A frozen suffix may differ from the true one by this share of its length. */
const SUFFIX_TOLERANCE = 0.1;

export interface PromptText {
  prefix: string;
  suffix: string;
}

export class PromptWindow {
  private last: PromptText | null = null;

  /** The prompt for this cursor; remembers it, so that the next one can begin with the same text. */
  next(cursor: Cursor): PromptText {
    const prefix = this.continuedPrefix(cursor.before) ?? startPrefix(cursor.before);
    const suffix = this.frozenSuffix(cursor) ?? trimSuffix(cursor.after);
    this.last = { prefix, suffix };
    return this.last;
  }

  private continuedPrefix(before: string): string | null {
    if (!this.last) return null;
    const anchor = this.last.prefix.slice(0, ANCHOR_CHARS);
    const start = anchor.length < ANCHOR_CHARS ? -1 : before.lastIndexOf(anchor);
    if (start < 0 || before.length - start > WINDOW_LIMITS.grownChars) return null;
    const prefix = before.slice(start);
    // The cursor jumped up or an edit changed most of the window: little of it would be reused.
    return commonPrefixLength(prefix, this.last.prefix) * 2 >= this.last.prefix.length ? prefix : null;
  }

  private frozenSuffix(cursor: Cursor): string | null {
    const old = this.last?.suffix;
    if (old === undefined) return null;
    const current = trimSuffix(cursor.after);
    if (old === current) return old;
    const rest = lineAfter(cursor);
    if (!old.startsWith(`${rest}\n`)) return null;
    const same = commonPrefixLength(old, current);
    const changed = Math.max(old.length, current.length) - same - commonSuffixLength(old, current, same);
    return changed <= SUFFIX_TOLERANCE * old.length ? old : null;
  }
}

/** The last lines of `before` within the start limits, cut at a line start when there is one. */
function startPrefix(before: string): string {
  const tail = before.slice(-WINDOW_LIMITS.startChars);
  const lines = (
    tail.length < before.length && tail.includes('\n') ? tail.slice(tail.indexOf('\n') + 1) : tail
  ).split('\n');
  return lines.slice(-WINDOW_LIMITS.startLines).join('\n');
}

function trimSuffix(after: string): string {
  return after.slice(0, WINDOW_LIMITS.suffixChars).split('\n').slice(0, WINDOW_LIMITS.suffixLines).join('\n');
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
