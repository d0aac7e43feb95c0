/** Where the user is, as plain text. The whole room works on this; nothing in it knows an editor. */
export interface Cursor {
  /** Identifies the document; suggestions never cross documents. */
  uri: string;
  /** For the model's file header and nothing else. */
  path: string;
  languageId: string;
  /** Text before the cursor, `\n` line ends, as much as the host cares to read (it is trimmed here). */
  before: string;
  /** Text after the cursor, likewise. */
  after: string;
}

/** The same place in the same text, so that a model would answer the same. */
export const isSamePlace = (a: Cursor, b: Cursor): boolean =>
  a.uri === b.uri && a.before === b.before && a.after === b.after;

/** Text of the cursor's line before the cursor. */
export const lineBefore = (cursor: Cursor): string =>
  cursor.before.slice(cursor.before.lastIndexOf('\n') + 1);

/** Text of the cursor's line after the cursor. */
export function lineAfter(cursor: Cursor): string {
  const end = cursor.after.indexOf('\n');
  return end < 0 ? cursor.after : cursor.after.slice(0, end);
}

/** The lines below the cursor's line. */
export function linesBelow(cursor: Cursor): string[] {
  const end = cursor.after.indexOf('\n');
  return end < 0 ? [] : cursor.after.slice(end + 1).split('\n');
}

/** The first line below the cursor that holds more than white space, or null. */
export const nextLine = (cursor: Cursor): string | null =>
  linesBelow(cursor).find(line => line.trim() !== '') ?? null;

/** Leading white space of a line. */
export const indentOf = (line: string): string => /^[ \t]*/.exec(line)![0];

/** Columns of leading white space; a tab reaches the next multiple of `tabSize`. */
export function indentWidth(line: string, tabSize = 4): number {
  let width = 0;
  for (const char of indentOf(line)) width = char === '\t' ? width - (width % tabSize) + tabSize : width + 1;
  return width;
}
