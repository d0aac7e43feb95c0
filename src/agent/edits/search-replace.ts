/**
 * One search-and-replace edit of a model on the text of a file. The order of what is tried: exact; line ends and trailing white
 * space; another indentation; line numbers copied from a listing; one place that is all but the same. Never without regard to case.
 * What comes out is the difference that the model made, laid over the file: lines that it only repeated stay as they are stored.
 */
import { diffArrays } from 'diff';
import type { Replacement } from '../ports.ts';
import { explainMany, explainMissing } from './explain.ts';
import { findLike, findLines, type Tolerance } from './find-lines.ts';
import { stripGutters } from './gutter.ts';
import { isBlank, LfText, splitLines } from './lines.ts';
import { type IndentPair, reindent, reindentEach } from './reindent.ts';

export interface SearchReplace {
  oldText: string;
  newText: string;
  /** Every exact occurrence, in place of the only one. */
  replaceAll?: boolean;
}
export type MatchFailure = 'no-match' | 'many-matches' | 'no-change' | 'empty';
export type SearchReplaceResult =
  | { ok: true; replacements: Replacement[]; tolerance: Tolerance | 'gutter' }
  /** `message` is for the model: what it must do differently. */
  | { ok: false; reason: MatchFailure; message: string };

const failed = (reason: MatchFailure, message: string): SearchReplaceResult => ({
  ok: false,
  reason,
  message,
});

/** Offsets of the replacements are those of `original`, in ascending order. */
export function searchReplace(original: string, edit: SearchReplace): SearchReplaceResult {
  const file = new LfText(original);
  const oldText = edit.oldText.replaceAll('\r\n', '\n');
  const newText = edit.newText.replaceAll('\r\n', '\n');
  if (isBlank(original) && isBlank(oldText) && newText) {
    return {
      ok: true,
      tolerance: 'exact',
      replacements: [{ start: 0, end: original.length, text: newText }],
    };
  }
  if (!oldText) return failed('empty', 'The text to replace is empty. Give the lines that are to change.');
  if (oldText === newText) {
    return failed('no-change', 'The old and the new text are the same, so nothing would change.');
  }
  const found =
    findExact(file, oldText, newText, edit.replaceAll ?? false) ?? findTolerant(file, oldText, newText);
  if (!found) return failed('no-match', explainMissing(file, oldText, newText));
  if (!found.ok) return found;
  const replacements = found.replacements.map(replacement => file.toOriginal(replacement));
  return { ...found, replacements: replacements.map(replacement => minimal(original, replacement)) };
}

/** Offsets of every occurrence, also of those that overlap, so that none is taken for the only one. */
function occurrences(text: string, part: string): number[] {
  const hits: number[] = [];
  for (let at = text.indexOf(part); at >= 0; at = text.indexOf(part, at + 1)) hits.push(at);
  return hits;
}

function findExact(
  file: LfText,
  oldText: string,
  newText: string,
  isAll: boolean,
): SearchReplaceResult | null {
  const hits = occurrences(file.text, oldText);
  if (!hits.length) return null;
  const size = oldText.length;
  if (isAll) {
    const apart = hits.filter((at, index) => index === 0 || at >= hits[index - 1]! + size);
    if (apart.length !== hits.length) return failed('many-matches', explainMany(file, hits));
    const replacements = hits.map(at => ({ start: at, end: at + size, text: newText }));
    return { ok: true, tolerance: 'exact', replacements };
  }
  if (hits.length > 1) return failed('many-matches', explainMany(file, hits));
  const at = hits[0]!;
  const replacements = lineHunks(oldText, newText).map(hunk => ({
    start: at + hunk.start,
    end: at + hunk.end,
    text: hunk.text,
  }));
  return { ok: true, tolerance: 'exact', replacements };
}

/** The changed runs of lines between two texts, as replacements of the first. */
function lineHunks(oldText: string, newText: string): Replacement[] {
  const pieces = (text: string): string[] => text.match(/[^\n]*\n|[^\n]+$/g) ?? [];
  const from = pieces(oldText);
  const offset = (line: number): number => from.slice(0, line).join('').length;
  return arrayHunks(from, pieces(newText)).map(({ start, end, lines }) => ({
    start: offset(start),
    end: offset(end),
    text: lines.join(''),
  }));
}

interface Written {
  old: string[];
  new: string[];
}

function findTolerant(file: LfText, oldText: string, newText: string): SearchReplaceResult | null {
  const written = { old: linesOf(oldText), new: linesOf(newText) };
  const bare = stripGutters(written.old, written.new);
  for (const [lines, isGutter] of [
    [written, false],
    [bare, true],
  ] as const) {
    if (!lines) continue;
    for (const candidate of [lines, withoutEdges(lines)]) {
      if (!candidate) continue;
      const found = findWritten(file, candidate);
      if (found) return found.ok && isGutter ? { ...found, tolerance: 'gutter' } : found;
    }
  }
  const at = findLike(texts(file), written.old);
  return at === null ? null : overlay(file, at, written, 'fuzzy');
}

const texts = (file: LfText): string[] => file.lines.map(line => line.text);
const linesOf = (text: string): string[] => splitLines(text).map(line => line.text);

/** Without the blank lines that a model put around its text; null if there are none. */
function withoutEdges(written: Written): Written | null {
  const before = written.old.findIndex(line => !isBlank(line));
  const after = written.old.length - 1 - written.old.findLastIndex(line => !isBlank(line));
  if (before < 0 || (before === 0 && after === 0)) return null;
  let [from, to] = [0, written.new.length];
  while (from < before && from < to && isBlank(written.new[from]!)) from++;
  while (written.new.length - to < after && to > from && isBlank(written.new[to - 1]!)) to--;
  return {
    old: written.old.slice(before, written.old.length - after),
    new: written.new.slice(from, to),
  };
}

function findWritten(file: LfText, written: Written): SearchReplaceResult | null {
  if (written.old.every(isBlank)) return null;
  const lines = texts(file);
  for (const tolerance of ['exact', 'trailing-space', 'indentation'] as const) {
    const hits = findLines(lines, written.old, tolerance);
    if (hits.length > 1) {
      return failed(
        'many-matches',
        explainMany(
          file,
          hits.map(at => file.lines[at]!.start),
        ),
      );
    }
    if (hits.length === 1) return overlay(file, hits[0]!, written, tolerance);
  }
  return null;
}

/** The change from `written.old` to `written.new`, carried out on the lines of the file that start at `first`. */
function overlay(
  file: LfText,
  first: number,
  written: Written,
  tolerance: Tolerance,
): SearchReplaceResult | null {
  const all = written.old.map(
    (line, index): IndentPair => ({ written: line, file: file.lines[first + index]!.text }),
  );
  const replacements: Replacement[] = [];
  for (const hunk of arrayHunks(written.old, written.new)) {
    const touched = all.slice(hunk.start, hunk.end);
    const near = touched.length ? touched : all.slice(Math.max(0, hunk.start - 1), hunk.start + 1);
    // Where the indentation of the whole is not uniform, the lines that this change touches may still tell it.
    const lines =
      tolerance === 'indentation'
        ? (reindent(hunk.lines, all) ?? reindent(hunk.lines, near) ?? reindentEach(hunk.lines, touched))
        : hunk.lines;
    if (!lines) return null;
    replacements.push(replaceLines(file, first + hunk.start, first + hunk.end, lines));
  }
  if (!replacements.length) {
    return failed('no-change', 'Apart from white space the old and the new text are the same.');
  }
  return { ok: true, tolerance, replacements };
}

/** Finding the least changes takes the square of their number. */
export const MAX_EDIT_LENGTH = 1000;

interface LineHunk {
  /** Lines of the old text. */
  start: number;
  end: number;
  lines: string[];
}

/** The least changes that make `to` of `from`; of two texts that have little in common, one that replaces all between their ends. */
export function arrayHunks(from: string[], to: string[]): LineHunk[] {
  const parts = diffArrays(from, to, { maxEditLength: MAX_EDIT_LENGTH });
  if (!parts) return [commonEnds(from, to)];
  const hunks: LineHunk[] = [];
  let at = 0;
  let open: LineHunk | null = null;
  for (const part of parts) {
    if (!part.added && !part.removed) {
      open = null;
      at += part.value.length;
      continue;
    }
    if (!open) {
      open = { start: at, end: at, lines: [] };
      hunks.push(open);
    }
    if (part.removed) {
      at += part.value.length;
      open.end = at;
    } else {
      open.lines.push(...part.value);
    }
  }
  return hunks;
}

function commonEnds(from: string[], to: string[]): LineHunk {
  const most = Math.min(from.length, to.length);
  let start = 0;
  while (start < most && from[start] === to[start]) start++;
  let after = 0;
  while (after < most - start && from.at(-1 - after) === to.at(-1 - after)) after++;
  return { start, end: from.length - after, lines: to.slice(start, to.length - after) };
}

/** Lines `from` to `to` (not included) of the file replaced; whether the file ends with a line end stays as it is. */
export function replaceLines(file: LfText, from: number, to: number, lines: readonly string[]): Replacement {
  const { lines: all, text } = file;
  const start = all[from]?.start ?? text.length;
  const end = to > from ? all[to - 1]!.next : start;
  const endsOpen = text !== '' && !text.endsWith('\n');
  const joined = lines.map(line => `${line}\n`).join('');
  if (!endsOpen || end < text.length) return { start, end, text: joined };
  // At the end of a file whose last line has no end: the new last line has none either.
  if (from >= all.length) return { start, end, text: joined && `\n${joined.slice(0, -1)}` };
  if (!lines.length) return { start: from > 0 ? all[from - 1]!.end : 0, end, text: '' };
  return { start, end, text: joined.slice(0, -1) };
}

/** Without the characters that both sides begin and end with. Surrogate pairs and line ends stay whole. */
function minimal(text: string, { start, end, text: inserted }: Replacement): Replacement {
  const removed = text.slice(start, end);
  const most = Math.min(removed.length, inserted.length);
  let before = 0;
  while (before < most && removed[before] === inserted[before]) before++;
  while (before > 0 && splitsUnit(removed, before, inserted)) before--;
  let after = 0;
  while (after < most - before && removed.at(-1 - after) === inserted.at(-1 - after)) after++;
  while (after > 0 && splitsUnit(removed, removed.length - after, inserted, inserted.length - after)) after--;
  return { start: start + before, end: end - after, text: inserted.slice(before, inserted.length - after) };
}

function splitsUnit(a: string, at: number, b: string, bAt = at): boolean {
  const splits = (text: string, index: number): boolean => {
    const previous = text.charCodeAt(index - 1);
    return (previous >= 0xd800 && previous < 0xdc00) || (previous === 13 && text.charCodeAt(index) === 10);
  };
  return splits(a, at) || splits(b, bAt);
}
