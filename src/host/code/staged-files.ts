/** A staged diff as files of numbered lines, so that what is said about a line can be put beside it. Pure. */
import { hunksOf, lineAfter } from '../agent/hunks.ts';
import { diffFiles } from './diff-files.ts';

export interface StagedLine {
  kind: 'same' | 'added' | 'removed';
  /** In the file as it is staged, from 1; null for a removed line. */
  line: number | null;
  text: string;
}
export interface StagedFile {
  /** From the root of the repository. */
  path: string;
  lines: StagedLine[];
}

/** Files that have lines of their own to comment on: deleted and binary ones are left out. */
export function stagedFiles(diff: string): StagedFile[] {
  return diffFiles(diff)
    .filter(({ head }) => !head.includes('+++ /dev/null'))
    .map(({ path, hunks }) => ({ path, lines: numbered(hunks) }))
    .filter(({ lines }) => lines.some(({ kind }) => kind !== 'same'));
}

/**
 * Where a line of the staged text stands in that of `now`, which may have changed since (both from 1); of one that is changed or gone, where
 * that begins.
 */
export function lineFinder(staged: string, now: string): (line: number) => number {
  const [from, to] = [staged, now].map(text => text.replaceAll('\r\n', '\n')) as [string, string];
  const hunks = hunksOf(from, to);
  const last = to.split('\n').length;
  return line => Math.min(lineAfter(hunks, line - 1) + 1, last);
}

function numbered(hunks: readonly string[]): StagedLine[] {
  const lines: StagedLine[] = [];
  let [line, oldLeft, newLeft] = [0, 0, 0];
  for (const text of hunks) {
    if ((oldLeft > 0 || newLeft > 0) && /^[ +-]/.test(text)) {
      const kind = text[0] === '+' ? 'added' : text[0] === '-' ? 'removed' : 'same';
      if (kind !== 'added') oldLeft--;
      if (kind !== 'removed') newLeft--;
      lines.push({ kind, line: kind === 'removed' ? null : line, text: text.slice(1) });
      if (kind !== 'removed') line++;
      continue;
    }
    const hunk = /^@@ -\d+(?:,(\d+))? \+(\d+)(?:,(\d+))? @@/.exec(text);
    if (!hunk) continue;
    line = Number(hunk[2]);
    [oldLeft, newLeft] = [Number(hunk[1] ?? 1), Number(hunk[3] ?? 1)];
  }
  return lines;
}
