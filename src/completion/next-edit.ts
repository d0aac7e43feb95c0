/**
 * After a name was changed in one place, the places that still have the old one. Found by comparing the text before the
 * change with the text after it; no model is asked.
 */
import { proseAt } from './syntax/prose.ts';
import type { Syntax } from './syntax/syntax.ts';

export interface Rename {
  from: string;
  to: string;
  /** Of the changed name, in the text afterwards. */
  offset: number;
}

const NAME = /^[\p{L}_$][\p{L}\p{N}_$]*$/u;
const NAME_CHAR = /[\p{L}\p{N}_$]/u;
/** Shorter names are everywhere and mean something else each time. */
const LEAST_CHARS = 3;

/** The change from `old` to `text`, if all of it is that one name became another; else null. */
export function renameBetween(old: string, text: string): Rename | null {
  if (old === text) return null;
  let start = 0;
  while (start < old.length && start < text.length && old[start] === text[start]) start++;
  let end = 0;
  const most = Math.min(old.length, text.length) - start;
  while (end < most && old[old.length - 1 - end] === text[text.length - 1 - end]) end++;
  // What stands on both sides of the change belongs to the name as well.
  while (start > 0 && NAME_CHAR.test(text[start - 1]!)) start--;
  while (end > 0 && NAME_CHAR.test(text[text.length - end]!)) end--;
  const [from, to] = [old.slice(start, old.length - end), text.slice(start, text.length - end)];
  const isName = (name: string) => NAME.test(name) && name.length >= LEAST_CHARS;
  return isName(from) && isName(to) && from !== to ? { from, to, offset: start } : null;
}

/** Offsets at which `name` stands as a whole word. */
export function occurrencesOf(name: string, text: string): number[] {
  const offsets: number[] = [];
  for (let at = text.indexOf(name); at >= 0; at = text.indexOf(name, at + name.length)) {
    const [before = '', after = ''] = [text[at - 1], text[at + name.length]];
    if (!NAME_CHAR.test(before) && !NAME_CHAR.test(after)) offsets.push(at);
  }
  return offsets;
}

/** The one to look at next: below the cursor, or from the top again. */
export const nextAfter = (offsets: readonly number[], cursor: number): number | null =>
  offsets.find(offset => offset >= cursor) ?? offsets[0] ?? null;

/** Of `offsets` in `text` those in code and in no comment or string, by the tree; all of them where there is none. */
export function inCode(
  offsets: readonly number[],
  text: string,
  languageId: string,
  syntax: Syntax,
): readonly number[] {
  const code = syntax.read(languageId, text, root =>
    offsets.filter(offset => {
      const prose = proseAt(root, text, offset + 1);
      return prose === null || prose === 'none';
    }),
  );
  return code ?? offsets;
}

/** The names that come from elsewhere, in JavaScript, Python and Rust. */
const IMPORT_STATEMENT =
  /^[ \t]*(?:import\b[^;'"]{0,500}\bfrom\b|(?:const|let|var)\s*\{[^}]{0,500}\}\s*=\s*require\b|from\s+[\w.]+\s+import\s+(?:\([^)]{0,500}\)|[^\n]*)|(?:pub\s+)?use\b[^;]{0,500};)/gm;

/**
 * Offsets at which `name` stands in `text`, which imports from where the name is declared: of the name itself where it is
 * imported, else of a member of what is. None where it is the file's own.
 */
export function mentionsOfImport(name: string, text: string): number[] {
  const all = occurrencesOf(name, text);
  const statements = [...text.matchAll(IMPORT_STATEMENT)];
  const isImported = all.some(offset =>
    statements.some(({ index, 0: { length } }) => offset >= index && offset < index + length),
  );
  return all.filter(offset => (text[offset - 1] === '.') !== isImported);
}
