/**
 * Brackets and quotes between a suggestion and what the line holds right of the cursor. Editors close brackets as they
 * are opened, so a suggestion that closes them too would leave them doubled.
 */
import { type Cursor, lineAfter, lineBefore } from '../cursor.ts';

const PAIRS: Readonly<Record<string, string>> = { '(': ')', '[': ']', '{': '}' };
const QUOTES = '"\'`';

/** Closers still awaited at the end of `text`, innermost last; an open string is awaited by its quote. */
function awaited(text: string): string[] {
  const stack: string[] = [];
  scan(text, stack);
  return stack;
}

/**
 * Pushes and pops `stack` over `text`. Returns the indices of characters that closed something that was open before
 * `text` began (or nothing at all).
 */
function scan(text: string, stack: string[]): number[] {
  const outer: number[] = [];
  let floor = stack.length;
  for (let i = 0; i < text.length; i++) {
    const char = text[i]!;
    const top = stack.at(-1);
    const isInString = top !== undefined && QUOTES.includes(top);
    if (isInString && char === '\\') i++;
    else if (char === top) {
      stack.pop();
      if (stack.length < floor) {
        floor = stack.length;
        outer.push(i);
      }
    } else if (isInString) continue;
    else if (PAIRS[char] !== undefined) stack.push(PAIRS[char]);
    else if (QUOTES.includes(char) && !isApostrophe(text, i)) stack.push(char);
    else if (')]}'.includes(char)) outer.push(i);
  }
  return outer;
}

/** At most two letters before a quote that say what kind of string it begins: Python's, and `b''` and `u''` of other languages. */
const STRING_PREFIX = /(?<![\p{L}\p{N}_])(?:[rbfut]|[bft]r|r[bft])$/iu;

/** `don't`, `'a` lifetimes after a letter or &: no string begins here. */
const isApostrophe = (text: string, i: number): boolean =>
  text[i] === "'" &&
  /[\p{L}\p{N}&<]/u.test(text[i - 1] ?? '') &&
  !STRING_PREFIX.test(text.slice(Math.max(0, i - 3), i));

export interface Fitted {
  text: string;
  /** Characters right of the cursor that the suggestion writes again and so replaces. */
  replaceAfter: number;
}

/** `fitBrackets` at a cursor. */
export const fitToLine = (text: string, cursor: Cursor): Fitted =>
  fitBrackets(text, lineBefore(cursor), lineAfter(cursor));

/** Fits a suggestion to the rest of its line: doubled closers are dropped, or replaced when text follows them. */
function fitBrackets(text: string, linePrefix: string, rest: string): Fitted {
  if (rest.trim() === '') return { text, replaceAfter: 0 };
  const matched = matchRest(text, scan(text, awaited(linePrefix)), rest);
  const first = matched[0]?.at;
  if (first === undefined) return { text: trimSeam(text, rest), replaceAfter: 0 };
  const tail = text.slice(first).trimEnd();
  const seam = rest.trim();
  if (seam.startsWith(tail)) return { text: joinTo(rest, text.slice(0, first)), replaceAfter: 0 };
  // The suggestion goes on after the closer, so it takes the place of as much of the rest as it writes itself.
  return { text, replaceAfter: tail.startsWith(seam) ? rest.length : matched.at(-1)!.restAt + 1 };
}

/** Pairs the suggestion's outer closers with the characters of `rest`, in order. */
function matchRest(text: string, outer: number[], rest: string): { at: number; restAt: number }[] {
  const matched: { at: number; restAt: number }[] = [];
  let restAt = 0;
  for (const at of outer) {
    while (/\s/.test(rest[restAt] ?? '')) restAt++;
    if (rest[restAt] !== text[at]) continue;
    matched.push({ at, restAt });
    restAt++;
    // What follows a doubled closer on both sides (`);`, `),`) is doubled as well.
    for (
      let next = at + 1;
      restAt < rest.length && /[,;:]/.test(rest[restAt]!) && text[next] === rest[restAt];
      next++
    )
      matched.push({ at: next, restAt: restAt++ });
  }
  return matched;
}

/** One space between the two, not one of each. */
const joinTo = (rest: string, text: string): string => (/^\s/.test(rest) ? text.trimEnd() : text);

/** A final `/>`, `;`, `,`, `:` or ` {` that the line has already. */
function trimSeam(text: string, rest: string): string {
  const seam = rest.trim();
  return /^(?:\/?>|[,;:{])/.test(seam) && text.trimEnd().endsWith(seam)
    ? text.trimEnd().slice(0, -seam.length)
    : text;
}
