/** Places where nobody wants a suggestion that was not asked for. */
import { type Cursor, lineAfter, lineBefore } from './cursor.ts';
import { lineComment } from './post/structure.ts';
import { type Prose, proseAt } from './syntax/prose.ts';
import { NO_SYNTAX, type Syntax } from './syntax/syntax.ts';

export type Silence =
  | 'the document is empty'
  | 'code follows on the line'
  | 'the statement has ended'
  | 'in the middle of a word'
  | 'in a long comment'
  | 'in a long string';

/** What may stand right of the cursor without making it the middle of something: closers, quotes, a final , ; : or {. */
const CLOSING_REST = /^\s*(?:\/>)?[)\]}>"'`]*\s*[,;:{]?\s*$/;
const WORD = /[\p{L}\p{N}_$]/u;
/** A comment or a string that is this long says something that code does not tell; a small model invents the rest. */
const LONG_PROSE_CHARS = 60;

/** Why to stay silent here; null: a suggestion is welcome. */
export function silenceAt(cursor: Cursor, syntax: Syntax = NO_SYNTAX): Silence | null {
  const prefix = lineBefore(cursor);
  const rest = lineAfter(cursor);
  if (cursor.before.trim() === '' && cursor.after.trim() === '') return 'the document is empty';
  if (WORD.test(prefix.slice(-1)) && WORD.test(rest.slice(0, 1))) return 'in the middle of a word';
  if (!CLOSING_REST.test(rest)) return 'code follows on the line';
  // After a statement's end there is nothing to complete on this line.
  if (/;\s*$/.test(prefix) && rest.trim() === '' && !/\bfor\s*\(/.test(prefix))
    return 'the statement has ended';
  const prose = proseBefore(cursor, syntax);
  if (prose === null || prose.length <= LONG_PROSE_CHARS) return null;
  return prose.kind === 'comment' ? 'in a long comment' : 'in a long string';
}

/** The cursor is in words: a comment or a string. */
export const isInProse = (cursor: Cursor, syntax: Syntax = NO_SYNTAX): boolean =>
  proseBefore(cursor, syntax) !== null;

/** The words that the cursor is in: by the tree, or by scanning for marks where there is none; null: it is in code. */
function proseBefore(cursor: Cursor, syntax: Syntax): Prose | null {
  const { before, after, languageId } = cursor;
  const text = before + after;
  const parsed = syntax.read(languageId, text, root => proseAt(root, text, before.length));
  if (parsed !== null) return parsed === 'none' ? null : parsed;
  const comment = commentBefore(cursor);
  if (comment > 0) return { kind: 'comment', length: comment };
  const string = stringBefore(lineBefore(cursor));
  return string > 0 ? { kind: 'string', length: string } : null;
}

/** Characters since the comment or the docstring that the cursor is in began; 0: it is in none. */
function commentBefore(cursor: Cursor): number {
  const { before, languageId } = cursor;
  const line = lineBefore(cursor).trimStart();
  const block = languageId === 'python' ? docstringBefore(before) : blockCommentBefore(before);
  if (block > 0) return block;
  return line.startsWith(lineComment(languageId)) || /^\*\s/.test(line) ? line.length : 0;
}

function docstringBefore(before: string): number {
  let open: { mark: string; at: number } | null = null;
  for (const { 0: mark, index } of before.matchAll(/"""|'''/g)) {
    if (open === null) open = { mark, at: index };
    else if (open.mark === mark) open = null;
  }
  return open === null ? 0 : before.length - open.at;
}

/** After white space, where no path and no pattern of files has it: `src/**` begins no comment. */
function blockCommentBefore(before: string): number {
  const at = [...before.matchAll(/(?<=^|\s)\/\*/g)].at(-1)?.index;
  return at === undefined || before.indexOf('*/', at) >= 0 ? 0 : before.length - at;
}

/** Characters since the string that is open at the end of `line` began; 0: none is. */
function stringBefore(line: string): number {
  const open = line.replace(/"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*'|`(?:\\.|[^`\\])*`/g, '');
  const at = open.search(/(?<![\p{L}\p{N}&<])["'`]/u);
  return at < 0 ? 0 : open.length - at;
}
