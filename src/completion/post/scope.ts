/** Ends a suggestion where the block that the cursor is in (or that its line opens) ends. */
import { type Cursor, indentWidth, lineBefore, nextLine } from '../cursor.ts';
import { bracketsOf } from './structure.ts';

/** Lines at the opening line's own indentation that still belong to it. */
const CONTINUES =
  /^\s*(?:[)\]}]|else\b|elif\b|elsif\b|except\b|catch\b|finally\b|rescue\b|ensure\b|end\b|fi\b|done\b|esac\b|case\b|default\b|when\b|\|>|\.|&&|\|\||\?|:)/;
/** A line that opens a block. */
const OPENS = /(?:[{([:]|=>|\b(?:do|then|else|begin))\s*$/;

export interface Scoped {
  text: string;
  /** The scope ended inside the text: more of it would be cut as well, so writing can stop. */
  isClosed: boolean;
}

/** A line that closes blocks and does nothing else. */
const CLOSES = /^\s*(?:[)\]}]+[;,]*|end|fi|done|esac)\s*$/;

/** `text` up to the end of its scope. Only whole lines are judged, so it can be asked while the text still grows. */
export function limitScope(text: string, cursor: Cursor): Scoped {
  const prefix = lineBefore(cursor);
  const lines = text.split('\n');
  const opens = prefix.trim() !== '' && OPENS.test(prefix + lines[0]!);
  const base = baseWidth(prefix, lines);
  for (let i = 1; i < lines.length; i++) {
    const line = lines[i]!;
    if (line.trim() === '') continue;
    const width = indentWidth(line);
    if (width > base || isInOwnBlock(lines, i, cursor)) continue;
    if (width < base) return closed(lines, closesOpenBlock(line, cursor) ? i + 1 : i);
    if (opens ? !CONTINUES.test(line) : isAfterGap(lines, i)) return closed(lines, i);
    if (opens && CLOSES.test(line) && i + 1 < lines.length) return closed(lines, i + 1);
  }
  return { text, isClosed: false };
}

/** The indentation below which the text has left its block. */
function baseWidth(prefix: string, lines: readonly string[]): number {
  const own = indentWidth(prefix);
  if (prefix.trim() !== '' || lines[0]!.trim() !== '') return own;
  const first = lines.find(line => line.trim() !== '');
  return first === undefined ? own : Math.max(own, indentWidth(first));
}

/** A blank line and a return to the block's own indentation: another thing begins. */
function isAfterGap(lines: readonly string[], i: number): boolean {
  return lines[i - 1]!.trim() === '' && lines.slice(0, i).some(line => line.trim() !== '');
}

/** Line `i` is inside brackets that the text opened, or closes them: however it is indented, it belongs to them. */
function isInOwnBlock(lines: readonly string[], i: number, { languageId }: Cursor): boolean {
  return bracketsOf(lines.slice(0, i).join('\n'), languageId).awaited.length > 0;
}

/** The line closes a block that the document leaves open. */
function closesOpenBlock(line: string, cursor: Cursor): boolean {
  if (!CLOSES.test(line)) return false;
  const below = nextLine(cursor);
  if (below === null || (indentWidth(below) <= indentWidth(line) && !CLOSES.test(below))) return true;
  // Indentation decides where there is no bracket to count, or not all of the document.
  return line.trim().startsWith('}') && lacksBrace(cursor);
}

/** Of the blocks around the cursor fewer are closed below it than were opened above it, as far as the text is known. */
function lacksBrace({ before, after, languageId }: Cursor): boolean {
  const braces = (list: string[]) => list.filter(char => char === '}').length;
  return braces(bracketsOf(before, languageId).awaited) > braces(bracketsOf(after, languageId).outer);
}

function closed(lines: readonly string[], count: number): Scoped {
  return { text: lines.slice(0, count).join('\n'), isClosed: true };
}
