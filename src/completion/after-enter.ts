/** Where the cursor goes on from a line that is finished. */
import { type Cursor, indentOf, lineAfter, lineBefore } from './cursor.ts';
import { OPENER } from './extent.ts';

/** What follows is in another block, whose indentation the editor may not go back to. */
const LEAVES = /^\s*(?:return|raise|throw|break|continue|pass)\b/;

/** The cursor after Enter, indented as the line is; null: the line is blank, opens or leaves a block, or goes on. */
export function afterEnter(cursor: Cursor): Cursor | null {
  const line = lineBefore(cursor);
  const isOver = line.trim() !== '' && lineAfter(cursor).trim() === '' && !OPENER.test(line);
  return isOver && !LEAVES.test(line) ? { ...cursor, before: `${cursor.before}\n${indentOf(line)}` } : null;
}
