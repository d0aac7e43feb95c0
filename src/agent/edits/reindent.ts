/**
 * Carries the indentation of a file over to lines that a model wrote with another one: what the lines that both have tell about
 * the two indentations decides. What they do not tell is not guessed.
 */
import { indentOf, isBlank } from './lines.ts';

/** A line as the model wrote it, and the same line in the file. */
export interface IndentPair {
  written: string;
  file: string;
}

/** The lines with the indentation of the file, or null where the pairs do not say what it is. */
export function reindent(lines: readonly string[], pairs: readonly IndentPair[]): string[] | null {
  const known = indentations(pairs);
  if (!known) return null;
  const rules = [(indent: string) => known.get(indent) ?? null, byPrefix(known), byUnit(known)];
  const result: string[] = [];
  for (const line of lines) {
    if (isBlank(line)) {
      result.push('');
      continue;
    }
    const indent = indentOf(line);
    const carried = rules.map(rule => rule(indent)).find(found => found !== null);
    if (carried === undefined || carried === null) return null;
    result.push(carried + line.slice(indent.length));
  }
  return result;
}

/** Lines that take the place of as many others, each as deep as the one it replaces, keep the indentation of that one. */
export function reindentEach(lines: readonly string[], pairs: readonly IndentPair[]): string[] | null {
  if (lines.length !== pairs.length) return null;
  const isSameDepth = lines.every((line, index) => indentOf(line) === indentOf(pairs[index]!.written));
  return isSameDepth ? lines.map((line, index) => indentOf(pairs[index]!.file) + line.trimStart()) : null;
}

/** Written indentation -> that of the file; null when one written indentation stands for two. */
function indentations(pairs: readonly IndentPair[]): Map<string, string> | null {
  const known = new Map<string, string>();
  for (const { written, file } of pairs) {
    if (isBlank(written) || isBlank(file)) continue;
    const from = indentOf(written);
    const to = indentOf(file);
    if ((known.get(from) ?? to) !== to) return null;
    known.set(from, to);
  }
  return known;
}

type Rule = (indent: string) => string | null;

/** The same prefix added to every line, or taken from every line. */
function byPrefix(known: ReadonlyMap<string, string>): Rule {
  const [first] = known;
  if (!first) return () => null;
  const [from, to] = first;
  const added = to.endsWith(from) ? to.slice(0, to.length - from.length) : null;
  if (added !== null && [...known].every(([a, b]) => b === added + a)) return indent => added + indent;
  const removed = from.endsWith(to) ? from.slice(0, from.length - to.length) : null;
  if (removed !== null && [...known].every(([a, b]) => a === removed + b)) {
    return indent => (indent.startsWith(removed) ? indent.slice(removed.length) : null);
  }
  return () => null;
}

/** Another unit of indentation: four spaces written where the file has tabs. */
function byUnit(known: ReadonlyMap<string, string>): Rule {
  const pairs = [...known].sort(([a], [b]) => a.length - b.length);
  const [base, next] = pairs;
  if (!base || !next?.[0].startsWith(base[0]) || !next[1].startsWith(base[1])) return () => null;
  const from = next[0].slice(base[0].length);
  const to = next[1].slice(base[1].length);
  if (!from || !to) return () => null;
  const carry: Rule = indent => {
    if (!indent.startsWith(base[0])) return null;
    const rest = indent.slice(base[0].length);
    const levels = rest.length / from.length;
    return rest === from.repeat(Math.floor(levels)) ? base[1] + to.repeat(levels) : null;
  };
  return pairs.every(([a, b]) => carry(a) === b) ? carry : () => null;
}
