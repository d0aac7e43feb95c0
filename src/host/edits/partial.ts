/** Code while its new version is being written. */
import { placedIn } from './replacement.ts';

/** The whole lines that are written so far, then the old ones that they do not replace yet. Line ends are `\n`. */
export function partialCode(original: string, written: string): string {
  const end = written.lastIndexOf('\n');
  const whole = end < 0 ? '' : written.slice(0, end);
  if (whole.trim() === '') return original;
  const lines = placedIn(original, whole).split('\n');
  return [...lines, ...original.split('\n').slice(lines.length)].join('\n');
}
