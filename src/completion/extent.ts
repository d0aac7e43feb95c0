/** How much to suggest at a cursor: nothing, the rest of the line, or a block of lines. Decided before any model runs. */
import { type Cursor, indentWidth, lineAfter, lineBefore, nextLine } from './cursor.ts';

export type Extent = 'none' | 'line' | 'block';
export type MultilineSetting = 'auto' | 'always' | 'never';

/** What may stand right of the cursor without making it the middle of something: closers, quotes, a final , ; : or {. */
const CLOSING_REST = /^\s*(?:\/>)?[)\]}>"'`]*\s*[,;:{]?\s*$/;
const WORD = /[\p{L}\p{N}_$]/u;
/** A line that ends like this opens a block in some language. */
const OPENER = /(?:[{([]|=>|->|:|\b(?:do|then|else|begin|of|where|repeat))\s*$/;

export interface ExtentOptions {
  /** The user asked for a suggestion; gates that only keep automatic ones quiet are skipped. */
  isManual: boolean;
  multiline: MultilineSetting;
}

/** The gate and the single / multi line decision, by indentation and punctuation alone. */
export function decideExtent(cursor: Cursor, options: ExtentOptions): Extent {
  const prefix = lineBefore(cursor);
  const rest = lineAfter(cursor);
  if (!options.isManual && isQuietPlace(cursor, prefix, rest)) return 'none';
  const isOpen = rest.trim() === '' || isInFreshPair(cursor, prefix, rest);
  if (!isOpen) return 'line';
  if (options.multiline !== 'auto') return options.multiline === 'always' ? 'block' : 'line';
  if (prefix.trim() === '') return 'block';
  return rest.trim() !== '' || opensEmptyBlock(cursor, prefix) ? 'block' : 'line';
}

function isQuietPlace(cursor: Cursor, prefix: string, rest: string): boolean {
  if (cursor.before.trim() === '' && cursor.after.trim() === '') return true;
  if (!CLOSING_REST.test(rest)) return true;
  // After a statement's end there is nothing to complete on this line.
  if (/;\s*$/.test(prefix) && rest.trim() === '' && !/\bfor\s*\(/.test(prefix)) return true;
  return WORD.test(prefix.slice(-1)) && WORD.test(rest.slice(0, 1));
}

/** Keywords whose parentheses are followed by a block. */
const HEADER =
  /^\s*(?:(?:export|default|public|private|protected|static|async|pub|else|\})\s*)*(?:function|def|fn|func|fun|class|if|for|while|switch|match)\b[^;]*\([^()]*$/;

/**
 * Between brackets that the editor has just closed, with nothing in them: `{█}` takes a body, and the head of a function
 * takes its parameters and a body. Anything else between brackets is a list on one line.
 */
function isInFreshPair(cursor: Cursor, prefix: string, rest: string): boolean {
  if (!/^[)\]}]+[;,]?\s*$/.test(rest)) return false;
  const below = nextLine(cursor);
  if (below !== null && indentWidth(below) > indentWidth(prefix)) return false;
  return (prefix.endsWith('{') && rest.startsWith('}')) || (HEADER.test(prefix) && rest.trim() === ')');
}

/** The line opens a block and the next line of the file is not already inside it. */
function opensEmptyBlock(cursor: Cursor, prefix: string): boolean {
  if (!OPENER.test(prefix)) return false;
  const below = nextLine(cursor);
  return below === null || indentWidth(below) <= indentWidth(prefix);
}
