/** Line numbers that a model copied from a listing of a file into its edit: `12 | x = 1`, `12: x = 1`, `12\tx = 1`. */
import { isBlank } from './lines.ts';

const GUTTER = /^[ \t]*(\d+)(?:\t|[ \t]*[|│:→][ \t]?)(.*)$/;

/** Both sides without their numbers; null unless every line of the old text has one and they count up by one. */
export function stripGutters(
  oldLines: readonly string[],
  newLines: readonly string[],
): { old: string[]; new: string[] } | null {
  const parsed = oldLines.map(line => GUTTER.exec(line));
  if (!parsed.length) return null;
  for (const [index, match] of parsed.entries()) {
    if (!match || Number(match[1]) !== Number(parsed[0]![1]) + index) return null;
  }
  const isNumbered = newLines.every(line => isBlank(line) || GUTTER.test(line));
  return {
    old: parsed.map(match => match![2]!),
    new: isNumbered ? newLines.map(line => GUTTER.exec(line)?.[2] ?? '') : [...newLines],
  };
}
