/** How much to suggest at a cursor: nothing, the rest of the line, or a block of lines. Decided before any model runs. */
import { type Cursor, indentWidth, lineAfter, lineBefore, nextLine } from './cursor.ts';
import { isInProse, silenceAt } from './silence.ts';
import { isOperand } from './syntax/operand.ts';
import { NO_SYNTAX, type Syntax } from './syntax/syntax.ts';

export type Extent = 'none' | 'line' | 'block';
export type MultilineSetting = 'auto' | 'always' | 'never';

/** A line that ends like this opens a block in some language. */
export const OPENER = /(?:[{([]|=>|->|:|\b(?:do|then|else|begin|of|where|repeat))\s*$/;

export interface ExtentOptions {
  /** The user asked for a suggestion; gates that only keep automatic ones quiet are skipped. */
  isManual: boolean;
  multiline: MultilineSetting;
  syntax?: Syntax;
}

/** The gate and the single / multi line decision: by indentation and punctuation, and by the tree where they can't tell. */
export function decideExtent(cursor: Cursor, options: ExtentOptions): Extent {
  const prefix = lineBefore(cursor);
  const rest = lineAfter(cursor);
  const { syntax = NO_SYNTAX } = options;
  const { isManual, multiline } = options;
  const silence = silenceAt(cursor, syntax);
  if (!isManual && silence !== null) return 'none';
  const isOpen = rest.trim() === '' || isInFreshPair(cursor, prefix, rest);
  // Who asks in the middle of a line wants what fits there, and the rest of the line tells the model where that ends.
  if (multiline === 'never') return 'line';
  if (!isOpen) return isManual && silence === 'code follows on the line' ? 'block' : 'line';
  if (multiline === 'always') return 'block';
  if (prefix.trim() === '') return 'block';
  if (isInProse(cursor, syntax)) return 'line';
  return rest.trim() !== '' || opensEmptyBlock(cursor, prefix, syntax) || beginsHead(cursor, prefix)
    ? 'block'
    : 'line';
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
function opensEmptyBlock(cursor: Cursor, prefix: string, syntax: Syntax): boolean {
  if (!OPENER.test(prefix)) return false;
  const below = nextLine(cursor);
  return (below === null || indentWidth(below) <= indentWidth(prefix)) && !awaitsOperand(cursor, syntax);
}

/** By the tree that there would be if a name stood at the cursor: `const x: █` wants a type and `if x: █` a block. */
function awaitsOperand({ before, after, languageId }: Cursor, syntax: Syntax): boolean {
  return syntax.read(languageId, `${before}x${after}`, root => isOperand(root, before.length)) === true;
}

/** The name of something that is being declared and has no body yet: its head and its body are one suggestion. */
const NAMED_HEAD =
  /^\s*(?:(?:export|default|public|private|protected|static|async|pub|abstract)\s+)*(?:function|def|fn|func|fun|class|interface|struct|enum|trait|impl)\s+[\w$]+$/;

function beginsHead(cursor: Cursor, prefix: string): boolean {
  if (!NAMED_HEAD.test(prefix)) return false;
  const below = nextLine(cursor);
  return below === null || indentWidth(below) <= indentWidth(prefix);
}
