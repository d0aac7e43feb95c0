/** From what the model wrote to what is shown: small filters in order, each a pure function of text and cursor. */
import type { Cursor } from '../cursor.ts';
import { isMarkdown } from '../markup.ts';
import { type Fitted, fitToLine } from './brackets.ts';
import { dropChatter } from './chatter.ts';
import { endComment } from './comment.ts';
import { stripFences } from './fences.ts';
import type { Draft, Filter } from './filter.ts';
import { dropOwnIndentation, followIndentation } from './indentation.ts';
import { cutOverlap, cutRestOfLine, dropEcho } from './overlap.ts';
import { cutRepetition } from './repetition.ts';
import { limitScope } from './scope.ts';
import { joinSpaces, keepHead } from './seam.ts';
import { isOutOfPlace, keepSound } from './sound.ts';
import { cutSpecialTokens } from './special-tokens.ts';
import { cutUnclosed } from './unclosed.ts';

/** In the order in which they are applied. The names are what a user and the evaluation read. */
export const FILTERS = [
  ['special tokens', (text, draft) => cutSpecialTokens(text.replaceAll('\r\n', '\n'), draft)],
  ['chatter', dropChatter],
  ['fences', stripFences],
  ['own indentation', (text, { cursor }) => dropOwnIndentation(text, cursor)],
  ['double space', joinSpaces],
  ['extent', (text, draft) => (draft.extent === 'line' ? firstLine(text) : dropUnfinishedLine(text, draft))],
  ['comment', endComment],
  ['indentation style', (text, { cursor }) => followIndentation(text, cursor)],
  ['repetition', cutRepetition],
  ['scope', (text, { cursor }) => limitScope(text, cursor).text],
  ['rest of the line', (text, { cursor }) => cutRestOfLine(text, cursor)],
  ['overlap', (text, { cursor }) => cutOverlap(text, cursor)],
  ['echo', (text, { cursor }) => dropEcho(text, cursor)],
  ['unclosed block', cutUnclosed],
  ['declaration head', keepHead],
  ['syntax', keepSound],
  ['trailing white space', trimLines],
] as const satisfies readonly (readonly [string, Filter])[];
export type FilterName = (typeof FILTERS)[number][0];

export interface Refined {
  /** '' if there is no suggestion. */
  text: string;
  /** Filters that changed the text, in order; where it is '', the last of them left nothing. */
  changedBy: FilterName[];
}

/** `isOff`: filters that are left out, for measuring what each is worth. */
export function refine(written: string, draft: Draft, isOff?: ReadonlySet<FilterName>): Refined {
  let text = written;
  const changedBy: FilterName[] = [];
  for (const [name, filter] of FILTERS) {
    if (isOff?.has(name)) continue;
    const left = filter(text, draft);
    if (left !== text) changedBy.push(name);
    if (left.trim() === '') return { text: '', changedBy };
    text = left;
  }
  return { text, changedBy };
}

/** The suggestion as it is inserted at this cursor; null if nothing is left to insert. */
export function place(text: string, cursor: Cursor): Fitted | null {
  const fitted = fitToLine(text, cursor);
  return fitted.text.trim() === '' ? null : fitted;
}

/** Enough is written: everything after the last line end would be cut anyway. */
export function isEnough(written: string, draft: Draft): boolean {
  const end = written.lastIndexOf('\n');
  if (end < 0) return false;
  if (draft.extent === 'line') return firstLine(written).trim() !== '';
  const { cursor } = draft;
  const whole = dropOwnIndentation(written.slice(0, end), cursor);
  return (
    limitScope(whole, cursor).isClosed ||
    [cutOverlap, cutRestOfLine].some(cut => cut(whole, cursor).length < whole.length) ||
    isOutOfPlace(whole, draft)
  );
}

function firstLine(text: string): string {
  const end = text.indexOf('\n');
  return end < 0 ? text : text.slice(0, end);
}

/** Half a line at the end of several reads as broken code; alone it is better than nothing. */
function dropUnfinishedLine(text: string, { isCut }: Draft): string {
  const end = text.lastIndexOf('\n');
  return isCut && end > 0 ? text.slice(0, end) : text;
}

/** Markdown breaks lines by two blanks at their end. */
function trimLines(text: string, { cursor }: Draft): string {
  return isMarkdown(cursor.languageId) ? text.trimEnd() : text.replace(/[ \t]+$/gm, '').trimEnd();
}
