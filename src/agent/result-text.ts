/**
 * What a tool answers, made to fit the room that it has in the prompt. Nothing is cut silently: the last line says what is
 * missing and how to get it.
 */

export interface PagedText {
  /** Before the lines, always shown. */
  head?: string;
  lines: string[];
  /** Lines are left out in the middle, since the end matters most, as with the output of a command. */
  keepsEnd?: boolean;
  /** Told when only the first `shown` lines are there: how the rest is read. */
  rest(shown: number): string;
}

type Count = (text: string) => Promise<number>;

/** More characters than a token has on average in any text worth reading; what is longer is cut before it is counted. */
const CHARS_A_TOKEN = 8;
/** A line that is longer is data or minified; the model can't use it. */
const LINE_CHARS = 2000;
const MARGIN = 0.95;

export const lines = (text: string, head?: string): PagedText => ({
  ...(head !== undefined && { head }),
  lines: text.split('\n'),
  rest: shown => `(${text.split('\n').length - shown} more lines are left out)`,
});

export interface FittedText {
  text: string;
  /** Nothing is missing. */
  isWhole: boolean;
}

/** The text in at most `roomTokens`, by exact count; as many whole lines as fit. */
export async function fitText(paged: PagedText, roomTokens: number, count: Count): Promise<FittedText> {
  const all = paged.lines.map(clipLine);
  let shown = linesWithin(all, roomTokens * CHARS_A_TOKEN);
  for (;;) {
    const text = assemble(paged, all, shown);
    const fitted = { text, isWhole: shown === all.length && all.every((line, i) => line === paged.lines[i]) };
    if (utf8Bytes(text) <= roomTokens) return fitted;
    const tokens = await count(text);
    if (tokens <= roomTokens) return fitted;
    if (shown === 0) return { text: cutText(text, roomTokens / tokens), isWhole: false };
    shown = Math.min(shown - 1, Math.floor(shown * (roomTokens / tokens) * MARGIN));
  }
}

function assemble(paged: PagedText, all: readonly string[], shown: number): string {
  const parts = paged.head ? [paged.head] : [];
  const before = paged.keepsEnd ? Math.floor(shown / 4) : shown;
  parts.push(...all.slice(0, before));
  if (shown < all.length) parts.push(paged.rest(shown));
  parts.push(...all.slice(all.length - (shown - before)));
  return parts.join('\n');
}

/** Not even one line fits: the beginning of what says so. */
const cutText = (text: string, share: number): string =>
  text.slice(0, Math.max(1, Math.floor(text.length * share * MARGIN)));

function clipLine(line: string): string {
  if (line.length <= LINE_CHARS) return line;
  return `${line.slice(0, LINE_CHARS)} … (${line.length - LINE_CHARS} more characters in this line)`;
}

function linesWithin(all: readonly string[], chars: number): number {
  let sum = 0;
  for (const [index, line] of all.entries()) {
    sum += line.length + 1;
    if (sum > chars) return index;
  }
  return all.length;
}

/** A token holds a byte at least, so what has no more bytes than there is room needs no counting. */
function utf8Bytes(text: string): number {
  let bytes = text.length;
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    if (unit > 0x7f) bytes += unit > 0x7ff ? 2 : 1;
  }
  return bytes;
}
