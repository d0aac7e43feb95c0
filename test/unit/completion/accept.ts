/** What accepting a suggestion makes of a document, as text that a test can compare at a glance. */
import type { Cursor } from '../../../src/completion/cursor.ts';
import { decideExtent, type MultilineSetting } from '../../../src/completion/extent.ts';
import { place, refine } from '../../../src/completion/post/post-process.ts';
import { NO_SYNTAX, type Syntax } from '../../../src/completion/syntax/syntax.ts';

export interface Accepted {
  shown: string;
  replaceAfter: number;
  /** The document afterwards, with the accepted text between ‹ and ›. */
  document: string;
}

/** What is left of `written` at the cursor, as the pipeline would show it; null: no suggestion. */
export function accept(
  cursor: Cursor,
  written: string,
  multiline: MultilineSetting = 'auto',
  isCut = false,
  syntax: Syntax = NO_SYNTAX,
): Accepted | null {
  const extent = decideExtent(cursor, { isManual: true, multiline, syntax });
  const placed = place(refine(written, { cursor, extent, isCut, syntax }).text, cursor);
  if (!placed) return null;
  const { text: shown, replaceAfter } = placed;
  return {
    shown,
    replaceAfter,
    document: `${cursor.before}‹${shown}›${cursor.after.slice(replaceAfter)}`,
  };
}
