/** What changed in a file, run of lines by run of lines, so that each can be kept or undone by itself. Pure. */
import { arrayHunks } from '../../agent/edits/search-replace.ts';
import type { Review } from './review-store.ts';

export interface Hunk {
  /** Its lines in the text of now, from 0, the end excluded. Both are the same where lines are gone. */
  start: number;
  end: number;
  /** What stands there now, and what stood there before, with line ends. */
  now: string;
  before: string;
  /** Its lines in the text before. */
  beforeStart: number;
  beforeEnd: number;
}

/** Of two texts with `\n` line ends. */
export function hunksOf(before: string, now: string): Hunk[] {
  const old = linesOf(before);
  let shift = 0;
  return arrayHunks(old, linesOf(now)).map(({ start, end, lines }) => {
    const at = start + shift;
    shift += lines.length - (end - start);
    return {
      start: at,
      end: at + lines.length,
      now: lines.join(''),
      before: old.slice(start, end).join(''),
      beforeStart: start,
      beforeEnd: end,
    };
  });
}

/** The same for the same change wherever it stands. */
export const hunkKey = ({ before, now }: Hunk): string => JSON.stringify([before, now]);

/** The text of before with this hunk taken into it: it is no change any more. */
export function withHunkKept(before: string, { beforeStart, beforeEnd, now }: Hunk): string {
  const old = linesOf(before);
  return [...old.slice(0, beforeStart), now, ...old.slice(beforeEnd)].join('');
}

/**
 * What is to be decided about after the model has changed `textBefore` into `now` (both with `\n` line ends). What was not decided about
 * before (`review`) stays so; what the user has changed since is theirs.
 */
export function reviewAfter(review: Review | undefined, textBefore: string, now: string): Review {
  const old = review?.before ?? textBefore;
  const users = hunksOf(old, textBefore).filter(hunk => !review?.keys.has(hunkKey(hunk)));
  // The last first, so that the lines of the others stay where they are.
  const before = users.reduceRight(withHunkKept, old);
  return { before, keys: new Set(hunksOf(before, now).map(hunkKey)) };
}

/**
 * What is left to be decided about after the user has decided to keep what made `to` of `from`: every hunk with a part of that is kept. `now`:
 * the text as it has become since.
 */
export function reviewAfterKeep(review: Review, from: string, to: string, now: string): Review {
  const since = hunksOf(to, now);
  const made = hunksOf(from, to).map(hunk => ({
    start: lineAfter(since, hunk.start),
    end: lineAfter(since, hunk.end),
  }));
  const kept = hunksOf(review.before, now).filter(
    hunk => review.keys.has(hunkKey(hunk)) && made.some(lines => isTouching(hunk, lines)),
  );
  return { before: kept.reduceRight(withHunkKept, review.before), keys: review.keys };
}

/** The same after the text was put back from `from` to `to`: what the model had changed before that, and was not decided about, stays so. */
export function reviewAfterUndo(review: Review, from: string, to: string): Review {
  const undone = new Set(hunksOf(from, to).map(hunkKey));
  // What was kept of it is taken back as well; it is no change of the model's the other way round.
  const settled = hunksOf(review.before, to).filter(hunk => undone.has(hunkKey(hunk)));
  const before = settled.reduceRight(withHunkKept, review.before);
  return { before, keys: new Set(hunksOf(before, to).map(hunkKey)) };
}

/** Where a line (from 0) of the text before these hunks stands after them; of one that is changed or gone, where its hunk begins. */
export function lineAfter(hunks: readonly Hunk[], line: number): number {
  const last = hunks.findLast(({ beforeStart }) => beforeStart <= line);
  if (!last) return line;
  return line < last.beforeEnd ? last.start : last.end + line - last.beforeEnd;
}

type Lines = Pick<Hunk, 'start' | 'end'>;

/** Where one has no lines, its place counts. */
const isTouching = (a: Lines, b: Lines): boolean =>
  a.start === a.end || b.start === b.end
    ? a.start <= b.end && b.start <= a.end
    : a.start < b.end && b.start < a.end;

/** A line says this much of what is gone; all of it is in the hover. */
const REMOVED_CHARS = 100;

/** What a hunk took away, in one line; '' if nothing. */
export function removedText({ before }: Hunk): string {
  const lines = linesOf(before).map(line => line.trim());
  const first = lines.find(line => line !== '') ?? lines[0];
  if (first === undefined) return '';
  const start = first.length > REMOVED_CHARS ? `${first.slice(0, REMOVED_CHARS)}…` : first;
  return lines.length === 1 ? start : `${start} … (${lines.length} lines)`;
}

const linesOf = (text: string): string[] => text.match(/[^\n]*\n|[^\n]+$/g) ?? [];
