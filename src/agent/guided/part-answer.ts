/**
 * Answers that are only a part of what was asked for: one function of a file, the line that was changed. Put in the place of all of
 * it they would delete what they leave out, and a checker is content with code that is gone.
 */
import { escapeRegExp } from '../../base/escape-regexp.ts';
import { indentLike } from '../code/indentation.ts';
import { likeness } from '../edits/find-lines.ts';
import { applyLazy } from '../edits/lazy.ts';
import { applyReplacements, depthOf } from '../edits/lines.ts';
import { functionsOf } from './bodies.ts';
import { definedName, type Region } from './region.ts';

/** What `before`, a region, defines at its outer level or as a function, and `after`, the whole file, nowhere. */
export function lostNames(before: string, after: string): string[] {
  const lines = after.split('\n');
  return namesIn(before.split('\n')).filter(name => !lines.some(line => isDefinedBy(line, name)));
}

function namesIn(lines: readonly string[]): string[] {
  const outer = Math.min(...lines.filter(line => line.trim() !== '').map(depthOf));
  const names = lines.flatMap(line => {
    // The variables of a function are its own affair.
    const isOuter = depthOf(line) === outer && (outer === 0 || !/^\s*(?:const|let|var)\s/.test(line));
    return isOuter ? (definedName(line) ?? []) : [];
  });
  return [...new Set([...names, ...functionsOf(lines).map(one => one.name)])];
}

/** Also as a variable, as a member, in a pattern, or with a signature of several lines. */
function isDefinedBy(line: string, name: string): boolean {
  if (!line.includes(name)) return false;
  const word = `(?<![\\w$])${escapeRegExp(name)}(?![\\w$])`;
  return (
    definedName(line) === name ||
    new RegExp(`^\\s*(?:\\w+\\s+)*[*#]?${word}\\s*(?::|=(?!=)|\\([^)]*$|\\(.*\\{\\s*$)`).test(line) ||
    new RegExp(`^\\s*(?:export\\s+)?(?:const|let|var)\\b[^=]*${word}`).test(line)
  );
}

/** `text` with the parts that `code` has in their places; null: where they belong is not clear. */
export function laidOver(text: string, code: string): string | null {
  const laid = applyLazy(text, code);
  return laid.ok ? applyReplacements(text, laid.replacements) : null;
}

const MOST_LINES = 12;
/** Mean likeness of the lines, and how much less any other place must have. */
const LIKE = 0.75;
const MARGIN = 0.2;

/** `lines`, a file, with `code` in the place of the lines of the region that it is a version of; null: none is clearly meant. */
export function withFragment(lines: readonly string[], { first, last }: Region, code: string): string | null {
  const fragment = code.split('\n');
  const size = fragment.length;
  if (size > MOST_LINES) return null;
  const end = Math.min(last + 1, lines.length);
  let best = { at: -1, like: 0 };
  let next = 0;
  for (let at = first; at + size <= end; at++) {
    const likes = fragment.map((line, index) => likeness(line.trim(), lines[at + index]!.trim()));
    const like = likes.reduce((sum, one) => sum + one, 0) / size;
    next = Math.max(next, Math.min(like, best.like));
    if (like > best.like) best = { at, like };
  }
  if (best.like < LIKE || best.like - next < MARGIN) return null;
  const old = lines.slice(best.at, best.at + size).join('\n');
  return [...lines.slice(0, best.at), indentLike(old, code), ...lines.slice(best.at + size)].join('\n');
}
