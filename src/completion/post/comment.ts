/** A suggestion that begins in a comment goes on only in the comment: code after it was not what is being written. */
import { lineBefore } from '../cursor.ts';
import type { Filter } from './filter.ts';
import { lineComment } from './structure.ts';

export const endComment: Filter = (text, { cursor }) => {
  const mark = lineComment(cursor.languageId);
  if (!lineBefore(cursor).trimStart().startsWith(mark)) return text;
  const lines = text.split('\n');
  // It does not begin in the comment but below it.
  if (lines[0]!.trim() === '') return text;
  const end = lines.findIndex((line, i) => i > 0 && !line.trimStart().startsWith(mark));
  return end < 0 ? text : lines.slice(0, end).join('\n');
};
