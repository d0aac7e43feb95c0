/** Blocks that the model opened, said it was done with, and left open would leave the document broken. */
import { type Cursor, lineAfter, nextLine } from '../cursor.ts';
import type { Filter } from './filter.ts';
import { bracketsOf } from './structure.ts';

/** Several lines end after the last line at which every bracket is closed, unless the document goes on by closing them. */
export const cutUnclosed: Filter = (text, { cursor, isCut }) => {
  if (isCut || !text.trim().includes('\n')) return text;
  const { awaited } = bracketsOf(text, cursor.languageId);
  if (isClosedBelow(awaited, cursor)) return text;
  const next = lineAfter(cursor).trim() || (nextLine(cursor)?.trim() ?? '');
  if (awaited.length === 0 || next === '' || next.startsWith(awaited.at(-1)!)) return text;
  const lines = text.split('\n');
  for (let count = lines.length - 1; count > 0; count--) {
    const head = lines.slice(0, count).join('\n');
    if (head.trim() !== '' && bracketsOf(head, cursor.languageId).awaited.length === 0) return head;
  }
  return '';
};

/** Below the cursor the document closes `awaited` first, and all that is open above the cursor as well. */
function isClosedBelow(awaited: readonly string[], { before, after, languageId }: Cursor): boolean {
  const { outer } = bracketsOf(after, languageId);
  const open = bracketsOf(before, languageId).awaited.length + awaited.length;
  return outer[0] === awaited.at(-1) && outer.length >= open;
}
