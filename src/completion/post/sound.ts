/** A text that breaks the document, or puts what follows out of reach, is cut back to a beginning of it that does not. */
import { countErrors, obstacle } from '../syntax/soundness.ts';
import { NO_SYNTAX } from '../syntax/syntax.ts';
import { fitToLine } from './brackets.ts';
import type { Draft, Filter } from './filter.ts';
import { bracketsOf } from './structure.ts';

type Flaw = 'breaks' | 'blocks' | null;

/**
 * By the tree of the document with the text in it. A model that has seen what follows and yet writes a `return` before it
 * was writing the end anew; the first line was still meant for this place.
 */
export const keepSound: Filter = (text, draft) => {
  const flaw = flawOf(text, draft);
  if (flaw === null) return text;
  const lines = text.split('\n');
  for (let count = 1; count < lines.length; count++) {
    const head = lines.slice(0, count).join('\n');
    if (head.trim() !== '' && flawOf(head, draft) === null) return head;
  }
  return flaw === 'blocks' ? '' : text;
};

function flawOf(text: string, { cursor, syntax = NO_SYNTAX }: Draft): Flaw {
  const { before, after, languageId } = cursor;
  const fitted = fitToLine(text, cursor);
  const rest = after.slice(fitted.replaceAfter);
  const known = syntax.read(languageId, before + after, countErrors);
  const judge = (inserted: string): Flaw =>
    syntax.read(languageId, before + inserted + rest, root => {
      if (countErrors(root) > known!) return 'breaks';
      const end = before.length + inserted.length;
      return obstacle(root, before + inserted + rest, before.length, end) === null ? null : 'blocks';
    });
  if (known === null) return null;
  const flaw = judge(fitted.text);
  const closers = bracketsOf(fitted.text, languageId).awaited.reverse().join('');
  // What the text opens the user may close.
  return flaw === 'breaks' && closers !== '' ? judge(fitted.text + closers) : flaw;
}
