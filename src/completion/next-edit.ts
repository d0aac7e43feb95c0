/**
 * After a name was changed in one place, the places that still have the old one. Found by comparing the text before the
 * change with the text after it; no model is asked.
 */
import { changedSpan } from './changed-span.ts';
import { COMMON_WORDS } from './context/similar.ts';
import type { Syntax, SyntaxNode } from './syntax/syntax.ts';

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
  let [start, oldEnd, newEnd] = changedSpan(old, text);
  // What stands on both sides of the change belongs to the name as well.
  while (start > 0 && NAME_CHAR.test(text[start - 1]!)) start--;
  for (; newEnd < text.length && NAME_CHAR.test(text[newEnd]!); newEnd++) oldEnd++;
  const [from, to] = [old.slice(start, oldEnd), text.slice(start, newEnd)];
  const isName = (name: string) => NAME.test(name) && name.length >= LEAST_CHARS;
  return isName(from) && isName(to) && from !== to ? { from, to, offset: start } : null;
}

interface Span {
  start: number;
  end: number;
}

/** Tells at each pause whether a name was changed since the one before. The change goes on when the user pauses in the middle of it. */
export class RenameWatch {
  private last: Rename | null = null;
  private isDismissed = false;
  /** What was put in last. */
  private inserted: Span | null = null;

  /** The change from `base`, the text at the last pause, to `text`; null where it is none, or the user wants none of it. */
  since(base: string, text: string): Rename | null {
    const { last, inserted } = this;
    const change = renameBetween(base, text);
    const goesOn = change !== null && last?.to === change.from && last.offset === change.offset;
    // A word that is being written is not renamed by what is added to it.
    const isBegun = change !== null && !goesOn && contains(inserted, change);
    const rename = goesOn ? { ...change, from: last!.from } : isBegun ? null : change;
    this.last = rename;
    this.inserted = insertedSince(inserted, base, text);
    this.isDismissed &&= goesOn;
    if (!rename || this.isDismissed) return null;
    // A name that stands there elsewhere was not renamed but replaced by another.
    return occurrencesOf(rename.to, base).length === 0 ? rename : null;
  }

  /** The user wants to hear no more of the last change, however it goes on. */
  dismiss(): void {
    this.isDismissed = true;
  }

  /** Another text, or one that was changed otherwise. */
  forget(): void {
    this.last = null;
    this.inserted = null;
    this.isDismissed = false;
  }
}

const contains = (span: Span | null, { offset, from }: Rename): boolean =>
  span !== null && offset >= span.start && offset + from.length <= span.end;

/** What was put in last, grown by what was typed into it; null where something else was replaced. */
function insertedSince(inserted: Span | null, base: string, text: string): Span | null {
  if (base === text) return inserted;
  const [start, oldEnd, newEnd] = changedSpan(base, text);
  if (inserted && start >= inserted.start && oldEnd <= inserted.end)
    return { start: inserted.start, end: inserted.end + newEnd - oldEnd };
  return start === oldEnd ? { start, end: newEnd } : null;
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

/** The grammars' names for names. */
const NAME_NODE = /identifier|symbol|^(?:name|constant|variable_name|(?:instance|class|global)_variable)$/;
/** In a shell a command is a name, and its arguments are not. */
const isName = (node: SyntaxNode | null): boolean =>
  node?.isNamed === true &&
  (NAME_NODE.test(node.type) ||
    (node.type === 'word' && /^(?:function_definition|command_name)$/.test(node.parent?.type ?? '')));

/**
 * Of `offsets` in `text` those at which a name stands, by the tree: no keyword, no literal, no word of a comment or a
 * string. null: there is no tree.
 */
export function namesAt(
  offsets: readonly number[],
  text: string,
  languageId: string,
  syntax: Syntax,
): number[] | null {
  // A sign may be a node of its own before the name: `$total`.
  return syntax.read(languageId, text, root =>
    offsets.filter(offset => isName(root.descendantForIndex(offset + 1))),
  );
}

/** What every program of a language has and its grammar takes for a name: one of them in another's place is no rename. */
const GIVEN =
  /^(?:String|Number|Boolean|Integer|Object|Array|Map|Set|Promise|Record|Partial|Readonly|Vec|Option|Result|HashMap|List|Dict|Optional|Self|\$this)$/;
const GIVEN_IN: Readonly<Record<string, RegExp>> = {
  cpp: /^(?:string|vector|map|set|size_t)$/,
  go: /^(?:string|bool|byte|rune|error|any|u?int\d*|float\d+)$/,
  python: /^(?:self|cls|int|float|str|bool|bytes|list|dict|set|tuple|object)$/,
};

/** The change in `text` is of one name of the program's own to another, and not of `const` to `let`. */
export function isOwnName(
  { from, to, offset }: Rename,
  text: string,
  languageId: string,
  syntax: Syntax,
): boolean {
  const names = namesAt([offset], text, languageId, syntax);
  const isGiven = (name: string) =>
    GIVEN.test(name) || GIVEN_IN[languageId]?.test(name) || (names === null && COMMON_WORDS.has(name));
  return names?.length !== 0 && !isGiven(from) && !isGiven(to);
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
