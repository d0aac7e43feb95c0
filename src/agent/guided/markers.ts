/** Notes at the ends of lines that show the model where a problem is: it sees a place, but can't count lines. */
import { commentSign } from './source-paths.ts';

const SIGN = '<-- PROBLEM:';
const NOTE_CHARS = 120;

/** `lines` with the notes; `notes` by line, from 0. */
export function withMarkers(
  lines: readonly string[],
  notes: ReadonlyMap<number, string>,
  path: string,
): string[] {
  const comment = commentSign(path);
  return lines.map((line, index) => {
    const note = notes.get(index)?.replace(/\s+/g, ' ').slice(0, NOTE_CHARS);
    return note === undefined ? line : `${line} ${comment} ${SIGN} ${note}`;
  });
}

/** Models write notes of their own in the same form (`<-- FIXED: ...`), some on a line of its own. */
const NOTE = /(^[ \t]*)?[ \t]*(?:(?:\/\/|#|--)[ \t]*<--.*|\{?\/\*[ \t]*<--.*\*\/\}?[ \t]*$)(\n)?/gm;

/** Without the notes, which models copy; what `original` has stays. */
export const withoutMarkers = (code: string, original: string): string =>
  code.replace(NOTE, (note, ownLine?: string, end = '') =>
    original.includes(note.trim()) ? note : ownLine === undefined ? end : '',
  );
