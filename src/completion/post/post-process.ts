/** From what the model wrote to what is shown: small filters in order, each a pure function of text and cursor. */
import { type Cursor, lineAfter, lineBefore } from '../cursor.ts';
import type { Extent } from '../extent.ts';
import { type Fitted, fitBrackets } from './brackets.ts';
import { stripFences } from './fences.ts';
import { dropOwnIndentation, followIndentation } from './indentation.ts';
import { cutOverlap, dropEcho } from './overlap.ts';
import { cutRepetition } from './repetition.ts';
import { limitScope } from './scope.ts';
import { cutSpecialTokens } from './special-tokens.ts';

/** The suggestion in the written text, or '' if there is none. `isCut`: the model was stopped before it was done. */
export function refine(written: string, cursor: Cursor, extent: Extent, isCut: boolean): string {
  let text = cutSpecialTokens(written.replaceAll('\r\n', '\n'));
  text = stripFences(text, cursor.languageId);
  text = dropOwnIndentation(text, cursor);
  text = extent === 'line' ? firstLine(text) : dropUnfinishedLine(text, isCut);
  text = followIndentation(text, cursor);
  text = cutRepetition(text);
  text = limitScope(text, cursor).text;
  text = cutOverlap(text, cursor);
  text = dropEcho(text, cursor);
  return text.trim() === '' ? '' : text.trimEnd();
}

/** The suggestion as it is inserted at this cursor; null if nothing is left to insert. */
export function place(text: string, cursor: Cursor): Fitted | null {
  const fitted = fitBrackets(text, lineBefore(cursor), lineAfter(cursor));
  return fitted.text.trim() === '' ? null : fitted;
}

/** Enough is written: everything after the last line end would be cut anyway. */
export function isEnough(written: string, cursor: Cursor, extent: Extent): boolean {
  const end = written.lastIndexOf('\n');
  if (end < 0) return false;
  if (extent === 'line') return firstLine(written).trim() !== '';
  const whole = dropOwnIndentation(written.slice(0, end), cursor);
  return limitScope(whole, cursor).isClosed || cutOverlap(whole, cursor).length < whole.length;
}

function firstLine(text: string): string {
  const end = text.indexOf('\n');
  return end < 0 ? text : text.slice(0, end);
}

/** Half a line at the end of several reads as broken code; alone it is better than nothing. */
function dropUnfinishedLine(text: string, isCut: boolean): string {
  const end = text.lastIndexOf('\n');
  return isCut && end > 0 ? text.slice(0, end) : text;
}
