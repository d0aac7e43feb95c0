/** Carries out a parsed patch on the files it names: every hunk finds its place, or nothing is changed and the model is told. */
import type { FileChange, Replacement, TextFile } from '../ports.ts';
import { explainMissing } from './explain.ts';
import { findLike, findLines } from './find-lines.ts';
import { applyReplacements, isBlank, LfText } from './lines.ts';
import { type FilePatch, type Hunk, type HunkLine, parsePatch } from './patch.ts';
import { reindent, reindentEach } from './reindent.ts';
import { replaceLines } from './search-replace.ts';

export type PatchResult = { ok: true; changes: FileChange[] } | { ok: false; message: string };

const failed = (message: string): PatchResult => ({ ok: false, message });

/** `read`: the file as it is, null if there is none. */
export async function applyPatch(
  patch: string,
  read: (path: string) => Promise<TextFile | null>,
): Promise<PatchResult> {
  const parsed = parsePatch(patch);
  if (!parsed.ok) return parsed;
  const changes: FileChange[] = [];
  for (const file of parsed.files) {
    const stored = await read(file.path);
    if (file.kind === 'add') {
      if (stored) return failed(`${file.path} exists already. Use "*** Update File: ${file.path}".`);
      changes.push({ kind: 'create', path: file.path, text: file.text });
      continue;
    }
    if (!stored) return failed(`${file.path} does not exist. Use "*** Add File: ${file.path}" to create it.`);
    const { path, version } = stored;
    if (file.kind === 'delete') {
      changes.push({ kind: 'delete', path, version });
      continue;
    }
    const result = patchText(stored.text, file);
    if (!result.ok) return failed(`${path}: ${result.message} Nothing was changed.`);
    if (file.moveTo && file.moveTo !== file.path) {
      changes.push({ kind: 'delete', path, version });
      changes.push({
        kind: 'create',
        path: file.moveTo,
        text: applyReplacements(stored.text, result.replacements),
      });
    } else {
      changes.push({ kind: 'edit', path, version, replacements: result.replacements });
    }
  }
  return { ok: true, changes };
}

type TextResult = { ok: true; replacements: Replacement[] } | { ok: false; message: string };

export function patchText(text: string, { hunks }: Extract<FilePatch, { kind: 'update' }>): TextResult {
  const file = new LfText(text);
  const lines = file.lines.map(line => line.text);
  const replacements: Replacement[] = [];
  let from = 0;
  for (const [index, hunk] of hunks.entries()) {
    const placed = placeHunk(lines, hunk, from);
    if (!placed) {
      const old = hunk.lines.filter(({ kind }) => kind !== 'add').map(line => line.text);
      return {
        ok: false,
        message: `Hunk ${index + 1} of ${hunks.length}: ${explainMissing(file, old.join('\n'))}`,
      };
    }
    for (const { start, end, added } of changedRuns(placed.lines)) {
      const first = placed.at + start;
      const carried = placed.indent ? placed.indent(added, start, end) : added;
      if (!carried) {
        return {
          ok: false,
          message: `Hunk ${index + 1} of ${hunks.length}: its indentation is not that of the file.`,
        };
      }
      replacements.push(file.toOriginal(replaceLines(file, first, placed.at + end, carried)));
    }
    from = placed.at + placed.lines.filter(({ kind }) => kind !== 'add').length;
  }
  const ordered = replacements.toSorted((a, b) => a.start - b.start || a.end - b.end);
  const overlaps = ordered.some((next, at) => at > 0 && next.start < ordered[at - 1]!.end);
  if (overlaps) return { ok: false, message: 'Two hunks change the same lines. Make one hunk of them.' };
  return { ok: true, replacements: ordered };
}

interface PlacedHunk {
  /** The line of the file at which the first line of the hunk stands. */
  at: number;
  lines: HunkLine[];
  /** Added lines with the indentation of the file, where the hunk has another one; null: as they are. */
  indent: ((added: string[], start: number, end: number) => string[] | null) | null;
}

function placeHunk(file: readonly string[], hunk: Hunk, from: number): PlacedHunk | null {
  const last = hunk.isAtEnd ? placeAtEnd(file, hunk, from) : null;
  if (last) return last;
  const start = afterHeaders(file, hunk.headers, from);
  for (const lines of [hunk.lines, withoutBlankEdges(hunk.lines), withRealTabs(hunk.lines)]) {
    if (!lines?.length) continue;
    const old = lines.filter(({ kind }) => kind !== 'add');
    if (!old.length) return placeInsertion(file, hunk, lines, start);
    const placed =
      (start === null ? null : placeAfter(file, lines, old, start)) ?? placeOnly(file, lines, old);
    if (placed) return placed;
  }
  return null;
}

function placeAtEnd(file: readonly string[], hunk: Hunk, from: number): PlacedHunk | null {
  for (const lines of [hunk.lines, withoutBlankEdges(hunk.lines)]) {
    if (!lines?.length) continue;
    const old = lines.filter(({ kind }) => kind !== 'add');
    const at = file.length - old.length;
    const placed = at < from ? null : placeAfter(file, lines, old, at);
    if (placed) return placed;
  }
  return null;
}

/** The first place after a line: that is what the order of hunks means. */
function placeAfter(
  file: readonly string[],
  lines: HunkLine[],
  old: HunkLine[],
  from: number,
): PlacedHunk | null {
  for (const tolerance of ['exact', 'trailing-space'] as const) {
    const isSame = (stored: string, { text, unmarked }: HunkLine): boolean =>
      [text, unmarked].some(written =>
        written === null
          ? false
          : tolerance === 'exact'
            ? written === stored
            : written.trimEnd() === stored.trimEnd(),
      );
    for (let at = from; at + old.length <= file.length; at++) {
      if (old.every((line, index) => isSame(file[at + index]!, line))) return { at, lines, indent: null };
    }
  }
  return null;
}

/** Out of order, with another indentation, or all but the same: only where there is one such place. */
function placeOnly(file: readonly string[], lines: HunkLine[], old: HunkLine[]): PlacedHunk | null {
  const texts = old.map(({ text }) => text);
  const [exact, ...others] = findLines(file, texts, 'trailing-space');
  if (exact !== undefined) return others.length ? null : { at: exact, lines, indent: null };
  if (texts.every(isBlank)) return null;
  const hits = findLines(file, texts, 'indentation');
  if (hits.length > 1) return null;
  if (hits.length === 1) {
    const at = hits[0]!;
    const pairs = texts.map((written, index) => ({ written, file: file[at + index]! }));
    const indent = (added: string[], start: number, end: number): string[] | null =>
      reindent(added, pairs) ?? reindentEach(added, pairs.slice(start, end));
    return { at, lines, indent };
  }
  const like = findLike(file, texts);
  return like === null ? null : { at: like, lines, indent: null };
}

/** Lines to be added where nothing says where, apart from a header or the end of the file. */
function placeInsertion(
  file: readonly string[],
  hunk: Hunk,
  lines: HunkLine[],
  start: number | null,
): PlacedHunk | null {
  if (hunk.headers.length) return start === null ? null : { at: start, lines, indent: null };
  return { at: file.length, lines, indent: null };
}

/** The line after the last header; null when one is not found after `from`. */
function afterHeaders(file: readonly string[], headers: readonly string[], from: number): number | null {
  let at = from;
  for (const header of headers) {
    const find = (isSame: (line: string) => boolean): number =>
      file.findIndex((line, index) => index >= at && isSame(line));
    let found = find(line => line === header);
    if (found < 0) found = find(line => line.trim() === header.trim());
    if (found < 0) return null;
    at = found + 1;
  }
  return at;
}

/** Runs of removed and added lines; `start` and `end` count the old lines of the hunk. */
function changedRuns(lines: readonly HunkLine[]): { start: number; end: number; added: string[] }[] {
  const runs: { start: number; end: number; added: string[] }[] = [];
  let at = 0;
  let isOpen = false;
  for (const { kind, text } of lines) {
    if (kind === 'context') {
      isOpen = false;
      at++;
      continue;
    }
    if (!isOpen) runs.push({ start: at, end: at, added: [] });
    isOpen = true;
    const run = runs.at(-1)!;
    if (kind === 'add') {
      run.added.push(text);
    } else {
      at++;
      run.end = at;
    }
  }
  return runs;
}

/** Blank lines around a hunk are as often layout of the patch as they are context. */
function withoutBlankEdges(lines: HunkLine[]): HunkLine[] | null {
  const isEdge = ({ kind, text }: HunkLine): boolean => kind === 'context' && isBlank(text);
  const first = lines.findIndex(line => !isEdge(line));
  const last = lines.findLastIndex(line => !isEdge(line));
  return first > 0 || last < lines.length - 1 ? lines.slice(first, last + 1) : null;
}

/** Tabs that were written as a backslash and a t. */
function withRealTabs(lines: HunkLine[]): HunkLine[] | null {
  const bare = withoutBlankEdges(lines) ?? lines;
  if (!bare.some(({ text }) => /^(\\t)+/.test(text))) return null;
  const tabs = (text: string): string => text.replace(/^(\\t)+/, run => '\t'.repeat(run.length / 2));
  return bare.map(line => ({ ...line, text: tabs(line.text), unmarked: null }));
}
