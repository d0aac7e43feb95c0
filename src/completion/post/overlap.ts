/** What stands below the cursor already is not suggested again. */
import { type Cursor, indentWidth, lineAfter, lineBefore, linesBelow } from '../cursor.ts';
import { isBalanced } from './structure.ts';

/** Lines below that are compared. */
const LOOK_AHEAD = 8;

/** `text` without the lines that the document has next; '' when nothing new is left. */
export function cutOverlap(text: string, cursor: Cursor): string {
  const below = linesBelow(cursor)
    .filter(line => line.trim() !== '')
    .slice(0, LOOK_AHEAD);
  const lines = text.split('\n');
  const next = below[0];
  if (next === undefined) return text;
  const first = lineBefore(cursor) + lines[0]!;
  if (isTelling(first) && isSameLine(first, next)) return '';
  for (let i = 1; i < lines.length; i++)
    if (startsBelow(lines, i, below, cursor.languageId)) return lines.slice(0, i).join('\n');
  return text;
}

/** Line i and what follows it are the document's next lines. */
function startsBelow(lines: string[], i: number, below: string[], languageId: string): boolean {
  const line = lines[i]!;
  const next = below[0]!;
  if (line.trim() === '' || line.trim() !== next.trim()) return false;
  const rest = lines.slice(i + 1).filter(other => other.trim() !== '');
  if (isTelling(line))
    return (
      rest.every((other, n) => n + 1 >= below.length || other.trim() === below[n + 1]!.trim()) ||
      rest.length <= 1
    );
  // A closing line: the document's own, unless the suggestion opened what it closes.
  return indentWidth(line) === indentWidth(next) && isBalanced(lines.slice(0, i).join('\n'), languageId);
}

/** Enough text that equality is no accident: `}` and `return` occur everywhere. */
const isTelling = (line: string): boolean => line.trim().length >= 4 && /[\p{L}\p{N}]{2}/u.test(line);

/**
 * `text` without the rest of the cursor's line, which a model writes once more before it goes on to the next. What
 * consists of brackets is left to `place`.
 */
export function cutRestOfLine(text: string, cursor: Cursor): string {
  const rest = lineAfter(cursor).trim();
  if (!isTelling(rest)) return text;
  const lines = text.split('\n');
  for (const [i, line] of lines.entries()) {
    const start = startOfEnding(line, rest);
    if (start >= 0) return [...lines.slice(0, i), line.slice(0, start)].join('\n');
  }
  return text;
}

/** Where the ending of `line` begins that equals `ending` but for white space, which models lay out anew; -1: it ends otherwise. */
function startOfEnding(line: string, ending: string): number {
  let start = line.length;
  for (const char of [...ending.replace(/\s/g, '')].reverse()) {
    while (start > 0 && /\s/.test(line[start - 1]!)) start--;
    if (!line.slice(0, start).endsWith(char)) return -1;
    start -= char.length;
  }
  return start;
}

/** The line above, written once more, is not a suggestion. */
export function dropEcho(text: string, cursor: Cursor): string {
  if (lineBefore(cursor).trim() !== '') return text;
  const above = cursor.before.trimEnd();
  const last = above.slice(above.lastIndexOf('\n') + 1);
  const isOneLine = !text.trim().includes('\n');
  return isTelling(last) && isOneLine && isSameLine(lineBefore(cursor) + text, last) ? '' : text;
}

/** Equal, at the same depth: `return None` below a deeper one is another. */
const isSameLine = (a: string, b: string): boolean =>
  a.trim() === b.trim() && indentWidth(a) === indentWidth(b);
