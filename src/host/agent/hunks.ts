/** What changed in a file, run of lines by run of lines, so that each can be kept or undone by itself. Pure. */
import { arrayHunks } from '../../agent/edits/search-replace.ts';

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

const linesOf = (text: string): string[] => text.match(/[^\n]*\n|[^\n]+$/g) ?? [];
