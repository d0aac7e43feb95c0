/** Suggestions that were computed already, found again while the user types through them. */
import type { Cursor } from './cursor.ts';
import type { RunTrace } from './trace.ts';

interface Entry {
  uri: string;
  /** Last characters before the origin, and all that is compared after it. */
  tail: string;
  after: string;
  text: string;
  run: RunTrace | null;
}

export interface Found {
  /** What is left of the suggestion. */
  text: string;
  /** Characters of it that the user has typed since. */
  typedChars: number;
  /** What wrote it, if that is remembered. */
  run: RunTrace | null;
}

/** Context compared on both sides of the cursor; longer contexts that agree this far are taken as equal. */
const TAIL_CHARS = 400;
const AFTER_CHARS = 400;

/** Least recently used last; small, so a scan is cheaper than hashing every prefix of the typed text. */
export class SuggestionCache {
  private entries: Entry[] = [];

  private readonly capacity: number;

  constructor(capacity = 100) {
    this.capacity = capacity;
  }

  put(origin: Cursor, text: string, run: RunTrace | null = null): void {
    const entry: Entry = {
      uri: origin.uri,
      tail: tailOf(origin),
      after: origin.after.slice(0, AFTER_CHARS),
      text,
      run,
    };
    this.entries = this.entries.filter(
      other => other.uri !== entry.uri || other.tail !== entry.tail || other.after !== entry.after,
    );
    this.entries.unshift(entry);
    this.entries.length = Math.min(this.entries.length, this.capacity);
  }

  /** A cached suggestion that fits this cursor and of which something is left, or null. */
  find(cursor: Cursor): Found | null {
    for (const [index, entry] of this.entries.entries()) {
      const rest = entry.uri === cursor.uri ? remainder(entry, cursor) : null;
      if (rest === null || rest === '') continue;
      this.entries.splice(index, 1);
      this.entries.unshift(entry);
      const { text, run } = entry;
      return { text: rest, typedChars: text.length - rest.length, run };
    }
    return null;
  }

  clear(): void {
    this.entries = [];
  }
}

function remainder(entry: Entry, cursor: Cursor): string | null {
  const typed = typedSince(entry.tail, cursor.before, entry.text.length);
  if (typed === null || !entry.text.startsWith(typed)) return null;
  return isSameAfter(entry.after, cursor.after, typed) ? entry.text.slice(typed.length) : null;
}

/** What is compared before a cursor; all that is there, if it is less than TAIL_CHARS. */
export const tailOf = ({ before }: Pick<Cursor, 'before'>): string => before.slice(-TAIL_CHARS);

/** The text between the end of an origin's `tail` and the end of `before`, at most `limit` characters; null if it isn't there. */
export function typedSince(tail: string, before: string, limit: number): string | null {
  // A short tail begins where the document does, and what looks like it further down is another place.
  const shortest = tail.length < TAIL_CHARS ? Math.max(0, before.length - tail.length) : 0;
  for (let length = shortest; length <= limit && length <= before.length - tail.length; length++) {
    const end = before.length - length;
    if (before.startsWith(tail, end - tail.length)) return before.slice(end);
  }
  return null;
}

/** Equal text after the cursor, or equal but for the brackets and quotes that the editor closed for `typed`. */
export function isSameAfter(old: string, current: string, typed: string): boolean {
  const known = old.slice(0, AFTER_CHARS);
  if (
    current.slice(0, known.length) === known &&
    (known.length === AFTER_CHARS || current.length === known.length)
  )
    return true;
  const closers = /^[)\]}"'`]{1,4}/.exec(current)?.[0] ?? '';
  for (let length = 1; length <= closers.length && /[([{"'`]/.test(typed); length++) {
    const compared = Math.min(known.length, AFTER_CHARS - length);
    if (current.slice(length, length + compared) === known.slice(0, compared)) return true;
  }
  return false;
}
