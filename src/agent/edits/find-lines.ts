/**
 * Where the lines that a model wrote are in a file, from exact to tolerant. Every step is tried on the whole file before the next
 * one, so that a tolerant hit never wins over an exact one.
 */
import { distance } from 'fastest-levenshtein';
import { isBlank } from './lines.ts';

export type Tolerance = 'exact' | 'trailing-space' | 'indentation' | 'fuzzy';

type SameLine = (file: string, written: string) => boolean;
const SAME: Record<Exclude<Tolerance, 'fuzzy'>, SameLine> = {
  exact: (file, written) => file === written,
  'trailing-space': (file, written) => file.trimEnd() === written.trimEnd(),
  indentation: (file, written) => file.trim() === written.trim(),
};

/** Indices of the first lines of every place where all of `written` stands in order. */
export function findLines(
  file: readonly string[],
  written: readonly string[],
  tolerance: Exclude<Tolerance, 'fuzzy'>,
): number[] {
  const isSame = SAME[tolerance];
  const hits: number[] = [];
  if (!written.length) return hits;
  for (let at = 0; at + written.length <= file.length; at++) {
    if (written.every((line, index) => isSame(file[at + index]!, line))) hits.push(at);
  }
  return hits;
}

/** Least likeness of the whole, and of its least alike line: a typo passes, another statement does not. */
const LIKE = 0.95;
const LINE_LIKE = 0.7;
/** How much better than every other place the best one must be. */
const MARGIN = 0.05;
/** What is compared is bounded: likeness costs the product of both lengths. */
const MAX_WRITTEN_CHARS = 2000;
const MAX_FILE_LINES = 3000;

/** The one place that is nearly what was written; null if there is none, or two that are about as good. */
export function findLike(file: readonly string[], written: readonly string[]): number | null {
  const size = written.length;
  const chars = written.reduce((sum, line) => sum + line.trimEnd().length, 0);
  if (!chars || chars > MAX_WRITTEN_CHARS || file.length > MAX_FILE_LINES) return null;
  // What differs by more is not even a runner-up: most places are given up after their first lines.
  const budget = chars * (1 - LIKE + MARGIN);
  let best = -1;
  let bestScore = 0;
  let runnerUp = 0;
  for (let at = 0; at + size <= file.length; at++) {
    const score = 1 - differences(file, at, written, budget) / chars;
    if (score > bestScore) [best, bestScore, runnerUp] = [at, score, bestScore];
    else runnerUp = Math.max(runnerUp, score);
  }
  if (bestScore < LIKE || bestScore - runnerUp < MARGIN) return null;
  const isSound = written.every((line, index) => {
    const found = file[best + index]!;
    // Names that differ in case are different names.
    const isOtherCase =
      found.trim() !== line.trim() && found.trim().toLowerCase() === line.trim().toLowerCase();
    return !isOtherCase && likeness(found.trim(), line.trim(), LINE_LIKE) >= LINE_LIKE;
  });
  return isSound ? best : null;
}

/** Characters that differ between the lines at a place and those that were written; no longer counted above `budget`. */
function differences(
  file: readonly string[],
  at: number,
  written: readonly string[],
  budget: number,
): number {
  let sum = 0;
  for (const [index, line] of written.entries()) {
    const [found, wanted] = [file[at + index]!.trimEnd(), line.trimEnd()];
    if (found === wanted) continue;
    sum += Math.abs(found.length - wanted.length) > budget ? budget + 1 : distance(found, wanted);
    if (sum > budget) return Number.POSITIVE_INFINITY;
  }
  return sum;
}

/** 1: equal; 0: nothing in common, or certainly less than `floor`. */
export function likeness(a: string, b: string, floor = 0): number {
  const longest = Math.max(a.length, b.length);
  if (!longest) return 1;
  if (1 - Math.abs(a.length - b.length) / longest < floor) return 0;
  return 1 - distance(a, b) / longest;
}

/** The place that has most lines of `written`, to be shown where nothing matched. null: none has any. */
export function findNearest(file: readonly string[], written: readonly string[]): number | null {
  const wanted = new Set(written.map(line => line.trim()).filter(Boolean));
  let best: number | null = null;
  let bestCount = 0;
  let count = 0;
  const has = (index: number): number => (wanted.has(file[index]!.trim()) ? 1 : 0);
  for (let end = 0; end < file.length; end++) {
    count += has(end);
    if (end >= written.length) count -= has(end - written.length);
    if (count > bestCount) [best, bestCount] = [Math.max(0, end - written.length + 1), count];
  }
  if (best !== null) return best;
  const first = written.find(line => !isBlank(line))?.trim();
  if (!first || file.length > MAX_FILE_LINES || first.length > MAX_WRITTEN_CHARS) return null;
  let bestLike = 0.6;
  for (const [index, line] of file.entries()) {
    const like = likeness(line.trim(), first, bestLike);
    if (like > bestLike) [best, bestLike] = [index, like];
  }
  return best;
}
