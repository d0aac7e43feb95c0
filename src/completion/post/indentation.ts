import { type Cursor, lineBefore } from '../cursor.ts';

/**
 * On a blank line the model is not shown the indentation that is there already (a prompt that ends in spaces splits its
 * words badly), so it writes it itself: take off what the document has, once.
 */
export function dropOwnIndentation(text: string, cursor: Cursor): string {
  const own = lineBefore(cursor);
  if (own.trim() !== '' || own === '') return text;
  const written = /^[ \t]*/.exec(text)![0];
  return written.startsWith(own) ? text.slice(own.length) : text.slice(written.length);
}

/** Lines of a tab-indented file that the model indented with spaces, or the other way round, follow the file. */
export function followIndentation(text: string, cursor: Cursor): string {
  const around = `${cursor.before.slice(-4000)}\n${cursor.after.slice(0, 1000)}`;
  const tabbed = (around.match(/^\t+\S/gm) ?? []).length;
  const spaced = around.match(/^ {2,}\S/gm) ?? [];
  // On a line that holds something already the text begins with no indentation.
  const lineStart = lineBefore(cursor).trim() === '' ? '(?:^|(?<=\\n))' : '(?<=\\n)';
  if (tabbed > 0 && spaced.length === 0)
    return text.replace(new RegExp(`${lineStart}(?: {4})+`, 'g'), run => '\t'.repeat(run.length / 4));
  if (tabbed === 0 && spaced.length > 0) {
    const unit = ' '.repeat(Math.min(...spaced.map(line => line.length - 1), 8));
    return text.replace(new RegExp(`${lineStart}\\t+`, 'g'), run => unit.repeat(run.length));
  }
  return text;
}
