/** Which lines of a file the model rewrites: all of a small file, else the function that the findings point at. */
import { enclosingBlock, type LineRange } from '../code/enclosing-block.ts';

export interface Region {
  /** From 0, both included. */
  first: number;
  last: number;
  isWholeFile: boolean;
}
export interface Clues {
  /** Lines that something points at (from 0), the most telling first. */
  lines: readonly number[];
  /** Names that the task or a failing test uses. */
  names: readonly string[];
}

/** Up to this a whole file is hardly longer than a function of it, and imports and functions can be changed together. */
const TINY_LINES = 30;
/** Up to this a small model writes a whole file without losing its thread, if nothing points at a function. */
const SMALL_LINES = 60;
/** Above it a file is never rewritten as a whole: minutes of writing. */
const WHOLE_LINES = 200;
const BLOCK_LINES = 120;
/** Around a line that is in no block of a size to be rewritten. */
const AROUND_LINES = 12;

/** The regions to try, the best first; at least one. */
export function regionsOf(lines: readonly string[], { lines: pointed, names }: Clues): Region[] {
  const whole: Region = { first: 0, last: lines.length - 1, isWholeFile: true };
  const defined = names.flatMap(name => definitionsOf(lines, name));
  const regions = new Map<string, Region>();
  for (const line of [...pointed, ...defined]) {
    const region = regionAround(lines, line);
    regions.set(`${region.first}-${region.last}`, region);
  }
  const found = [...regions.values()].filter(region => !region.isWholeFile);
  const isPointedAt = pointed.length > 0 && lines.length > TINY_LINES;
  if (lines.length <= SMALL_LINES && !isPointedAt) return [whole, ...found];
  if (lines.length <= WHOLE_LINES) return [...found, whole];
  return found.length > 0 ? found : [regionAround(lines, 0)];
}

function regionAround(lines: readonly string[], line: number): Region {
  const at = Math.min(line, lines.length - 1);
  const block = namedBlock(lines, at) ?? enclosingBlock(lines, at);
  const isFit = block && block.last - block.first < BLOCK_LINES;
  const first = isFit ? block.first : Math.max(0, line - AROUND_LINES);
  const last = isFit ? block.last : Math.min(lines.length - 1, line + AROUND_LINES);
  return { first, last, isWholeFile: first === 0 && last === lines.length - 1 };
}

/** The innermost block around `line` that has a name: a callback is seldom all that must change. */
function namedBlock(lines: readonly string[], line: number): LineRange | null {
  for (let start = line; start >= 0; start--) {
    if (definedName(lines[start]!) === null) continue;
    const block = enclosingBlock(lines, start);
    if (block && block.first <= start && block.last >= line && block.last > start) return block;
  }
  return null;
}

const DEFINITION =
  /^\s*(?:(?:export|default|public|private|protected|static|async|abstract|pub|declare|final|override|readonly)\s+)*(?:function\*?|def|class|interface|type|enum|fn|func|struct|trait|const|let|var)\s+([A-Za-z_$][\w$]*)/;
const METHOD =
  /^\s+(?:(?:public|private|protected|static|async|get|set|override|readonly)\s+)*[*#]?([A-Za-z_$][\w$]*)\s*\([^;]*\)[^;]*\{\s*$/;
const KEYWORD = /^(?:if|for|while|switch|catch|return|else|with|function|do|try)$/;

/** The name that a line defines; null if it defines none. */
export function definedName(line: string): string | null {
  const name = DEFINITION.exec(line)?.[1] ?? METHOD.exec(line)?.[1];
  return name === undefined || KEYWORD.test(name) ? null : name;
}

function definitionsOf(lines: readonly string[], name: string): number[] {
  return lines.flatMap((line, index) => (definedName(line) === name ? [index] : []));
}

export const IMPORT_LINE =
  /^(?:import\b|from\s+\S+\s+import\b|(?:const|let|var)\s.*=\s*require\(|#include\b|using\s+[\w.]+;|use\s+[\w:]+)/;

const OUTLINE_LINES = 30;

/** Imports and definitions outside of a region, so that the model knows what there is; '' if there are none. */
export function outlineOf(lines: readonly string[], { first, last }: Region): string {
  return lines
    .filter(
      (line, index) =>
        (index < first || index > last) && (IMPORT_LINE.test(line) || definedName(line) !== null),
    )
    .slice(0, OUTLINE_LINES)
    .join('\n');
}

export const codeOf = (text: string, { first, last }: Region): string =>
  text
    .split('\n')
    .slice(first, last + 1)
    .join('\n');
