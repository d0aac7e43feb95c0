/**
 * Patches in the form that several model families are trained on, from `*** Begin Patch` to `*** End Patch`: read with the slips
 * that models make, into hunks per file.
 */

export interface Hunk {
  /** Lines after `@@`, outermost first: where to look, not part of what changes. */
  headers: string[];
  lines: HunkLine[];
  /** Said to be at the end of the file. */
  isAtEnd: boolean;
}
export interface HunkLine {
  kind: 'context' | 'remove' | 'add';
  text: string;
  /** A context line without the space that should begin it, or one whose own indentation took its place. */
  unmarked: string | null;
}
export type FilePatch =
  | { kind: 'add'; path: string; text: string }
  | { kind: 'delete'; path: string }
  | { kind: 'update'; path: string; moveTo: string | null; hunks: Hunk[] };

export type ParsedPatch = { ok: true; files: FilePatch[] } | { ok: false; message: string };

const MARK =
  /^\*\*\* (Begin Patch|End Patch|End of File|(Add|Update|Delete) File: *(.+?)|Move to: *(.+?))\s*$/;

export function parsePatch(patch: string): ParsedPatch {
  const lines = patch.replaceAll('\r\n', '\n').split('\n');
  const begin = lines.findIndex(line => line.trim() === '*** Begin Patch');
  // Without the first line it is a patch only if it begins with a file.
  if (begin < 0 && !/^\*\*\* (Add|Update|Delete) File:/.test(patch.trimStart())) {
    return {
      ok: false,
      message: 'A patch begins with "*** Begin Patch" and names its files with "*** Update File: path".',
    };
  }
  const files: FilePatch[] = [];
  for (const line of lines.slice(begin + 1)) {
    const mark = MARK.exec(line);
    if (mark?.[1] === 'End Patch') break;
    if (mark?.[2]) files.push(newFile(mark[2], mark[3]!));
    else if (mark?.[1] !== 'Begin Patch' && !addLine(files.at(-1), line, mark)) {
      return { ok: false, message: `This line of the patch belongs to no file: ${JSON.stringify(line)}.` };
    }
  }
  if (!files.length) return { ok: false, message: 'The patch names no file. Use "*** Update File: path".' };
  for (const file of files) {
    if (file.kind === 'add') file.text = file.text && `${file.text}\n`;
    if (file.kind !== 'update') continue;
    file.hunks = file.hunks.map(withoutPadding).filter(({ lines }) => lines.length);
    if (file.hunks.length || file.moveTo) continue;
    return { ok: false, message: `The patch changes nothing in ${file.path}: it has no line with + or -.` };
  }
  return { ok: true, files };
}

function newFile(kind: string, path: string): FilePatch {
  if (kind === 'Add') return { kind: 'add', path, text: '' };
  return kind === 'Delete' ? { kind: 'delete', path } : { kind: 'update', path, moveTo: null, hunks: [] };
}

/** Whether the line has a place. */
function addLine(file: FilePatch | undefined, line: string, mark: RegExpExecArray | null): boolean {
  if (!file) return line.trim() === '';
  if (file.kind === 'delete') return line.trim() === '';
  if (file.kind === 'add') {
    if (!line.startsWith('+')) return line.trim() === '';
    file.text += `${file.text ? '\n' : ''}${line.slice(1)}`;
    return true;
  }
  if (mark?.[4]) {
    file.moveTo = mark[4];
    return true;
  }
  let hunk = file.hunks.at(-1);
  if (mark?.[1] === 'End of File') {
    if (hunk) hunk.isAtEnd = true;
    return true;
  }
  const header = /^@@ ?(.*?)\s*$/.exec(line);
  if (header) {
    // Several headers one after the other narrow the same place down.
    if (!hunk || hunk.lines.some(({ text }) => text.trim())) {
      hunk = { headers: [], lines: [], isAtEnd: false };
      file.hunks.push(hunk);
    }
    hunk.lines = [];
    // `@@ -1,3 +1,4 @@` is of another form of patch; its numbers are usually wrong.
    const text = header[1]!.replace(/^-\d+(,\d+)? \+\d+(,\d+)? @@ ?/, '').replace(/ ?@@$/, '');
    if (text) hunk.headers.push(text);
    return true;
  }
  if (!hunk) {
    hunk = { headers: [], lines: [], isAtEnd: false };
    file.hunks.push(hunk);
  }
  hunk.lines.push(hunkLine(line));
  return true;
}

function hunkLine(line: string): HunkLine {
  if (line.startsWith('+')) return { kind: 'add', text: line.slice(1), unmarked: null };
  if (line.startsWith('-')) return { kind: 'remove', text: line.slice(1), unmarked: null };
  return { kind: 'context', text: line.startsWith(' ') ? line.slice(1) : line, unmarked: line };
}

/** A hunk that changes something, or nothing at all. Blank lines at its end stay: they may be context, and are dropped on trying. */
function withoutPadding(hunk: Hunk): Hunk {
  return hunk.lines.some(({ kind }) => kind !== 'context') ? hunk : { ...hunk, lines: [] };
}
