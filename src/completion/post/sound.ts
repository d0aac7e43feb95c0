/** A text that breaks the document, or puts what follows out of reach, is cut back to a beginning of it that does not. */

import type { Cursor } from '../cursor.ts';
import { countErrors, type Obstacle, obstacle } from '../syntax/soundness.ts';
import { NO_SYNTAX } from '../syntax/syntax.ts';
import { fitToLine } from './brackets.ts';
import type { Draft, Filter } from './filter.ts';
import { bracketsOf } from './structure.ts';

type Flaw = 'broken' | Obstacle | null;

/** Beginnings that are tried: each is parsed, which takes some milliseconds. */
const MOST_TRIES = 8;

/**
 * By the tree of the document with the text in it. A model that has seen what follows and yet writes a `return` before it
 * was writing the end anew: the first line was still meant for this place, or all but that `return` where another follows.
 */
export const keepSound: Filter = (text, draft) => {
  const flawOf = judgeOf(draft);
  const flaw = flawOf(text);
  if (flaw === null) return text;
  const lines = text.split('\n');
  const heads = lines.slice(1).map((_, i) => lines.slice(0, i + 1).join('\n'));
  if (flaw !== 'broken' && flaw.isSecondEnd) heads.reverse();
  const tried = heads.filter(head => head.trim() !== '').slice(0, MOST_TRIES);
  return tried.find(head => flawOf(head) === null) ?? (flaw === 'broken' ? text : '');
};

/** It has left the block that goes on below it: whatever comes now would be cut. */
export function isOutOfPlace(text: string, draft: Draft): boolean {
  const flaw = judgeOf(draft)(text);
  return flaw !== null && flaw !== 'broken';
}

/** Of documents without the text: one is asked about whenever a line of it has been written. */
const known = new WeakMap<Cursor, number>();

function errorsWithout({ cursor, syntax = NO_SYNTAX }: Draft): number | null {
  const { before, after, languageId } = cursor;
  const errors = known.get(cursor) ?? syntax.read(languageId, before + after, countErrors);
  if (errors !== null) known.set(cursor, errors);
  return errors;
}

/** What is wrong with the document once a text is in it; null: nothing that was not wrong before, or there is no tree. */
function judgeOf(draft: Draft): (text: string) => Flaw {
  const errors = errorsWithout(draft);
  if (errors === null) return () => null;
  const { cursor, syntax = NO_SYNTAX } = draft;
  const { before, after, languageId } = cursor;
  return text => {
    const fitted = fitToLine(text, cursor);
    const rest = after.slice(fitted.replaceAfter);
    const judge = (inserted: string): Flaw => {
      const all = before + inserted + rest;
      const end = before.length + inserted.length;
      return syntax.read(languageId, all, root =>
        countErrors(root) > errors ? 'broken' : obstacle(root, all, before.length, end),
      );
    };
    const flaw = judge(fitted.text);
    const closers = bracketsOf(fitted.text, languageId).awaited.reverse().join('');
    // What the text opens the user may close.
    return flaw === 'broken' && closers !== '' ? judge(fitted.text + closers) : flaw;
  };
}
