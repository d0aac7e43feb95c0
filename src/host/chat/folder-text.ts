/** A folder as text for the model: what is in it, then the texts of its own files as far as they go. Pure. */

export interface FolderFile {
  path: string;
  text: string;
}

/** Of the list; what a folder holds beyond is counted. */
export const LISTED_FILES = 200;

/** `paths`: of every file below the folder, in the order in which they are listed; one that comes again is passed over. */
export function folderText(paths: readonly string[], files: readonly FolderFile[]): string {
  const all = [...new Set(paths)];
  const listed = all.slice(0, LISTED_FILES);
  const more = all.length > LISTED_FILES ? [`(and more: only ${LISTED_FILES} files are listed)`] : [];
  const texts = files.map(({ path, text }) => `--- ${path}\n${text.trimEnd()}`);
  return [[...listed, ...more].join('\n'), ...texts].join('\n\n');
}
