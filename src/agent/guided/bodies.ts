/** Functions without their bodies: what a model does not see it can't copy, so it writes what the name, the comment and the tests ask for. */
import { enclosingBlock, leadingLine } from '../code/enclosing-block.ts';
import { definedName } from './region.ts';
import { toBeWritten } from './stubs.ts';

export interface FunctionLines {
  name: string;
  /** From 0, with the comments and decorators above; both included. */
  first: number;
  last: number;
  /** First line of the body, behind the signature and the comments that the body begins with. */
  bodyFirst: number;
  /** Last line of the body, before what closes it. */
  bodyLast: number;
}

const FUNCTION_LINE = /\b(?:function|def|fn|func|fun)\b|=>\s*\{?\s*$|^[^=]*\([^;]*\)[^;=]*\{\s*$/;
const TYPE_LINE = /^\s*(?:\w+\s+)*(?:class|interface|enum|type)\s/;
const OPENING = /[{:]\s*(?:\/\/.*|#.*)?$|=>\s*$/;
/** A signature may go over several lines, but not over more than these. */
const SIGNATURE_LINES = 12;

/** The functions and methods of a file that have a body of their own lines; not those inside of others. */
export function functionsOf(lines: readonly string[]): FunctionLines[] {
  const found: FunctionLines[] = [];
  for (let index = 0; index < lines.length; index++) {
    const line = lines[index]!;
    const name = definedName(line);
    if (name === null || !FUNCTION_LINE.test(line) || TYPE_LINE.test(line)) continue;
    const block = enclosingBlock(lines, index);
    const opening = lines.slice(index, index + SIGNATURE_LINES).findIndex(line => OPENING.test(line));
    if (block === null || opening < 0 || block.last <= index + opening) continue;
    const bodyFirst = afterComments(lines, index + opening + 1, block.last);
    const bodyLast = /^\s*[)\]}]|^\s*end\b/.test(lines[block.last]!) ? block.last - 1 : block.last;
    if (bodyFirst > bodyLast) continue;
    found.push({ name, first: leadingLine(lines, index), last: block.last, bodyFirst, bodyLast });
    index = block.last;
  }
  return found;
}

/** A comment or docstring at the start of a body says what the function is for. */
function afterComments(lines: readonly string[], from: number, last: number): number {
  let at = from;
  const quote = /^\s*[rbu]?("""|''')/.exec(lines[at] ?? '')?.[1];
  if (quote !== undefined) {
    const isClosed = lines[at]!.indexOf(quote) !== lines[at]!.lastIndexOf(quote);
    while (!isClosed && at < last && !lines[++at]!.includes(quote));
    at++;
  }
  while (at <= last && /^\s*(?:#|\/\/)/.test(lines[at]!)) at++;
  return at;
}

/** `lines` with the bodies of `functions`, which are in their order, left out. */
export function withoutBodies(
  lines: readonly string[],
  functions: readonly FunctionLines[],
  path: string,
): string[] {
  const kept: string[] = [];
  let from = 0;
  for (const { bodyFirst, bodyLast } of functions) {
    const indent = /^\s*/.exec(lines[bodyFirst]!)![0];
    kept.push(...lines.slice(from, bodyFirst), `${indent}${toBeWritten(path)}`);
    from = bodyLast + 1;
  }
  return [...kept, ...lines.slice(from)];
}

/** Of an answer, the function that was asked for, without those that the file has already; all of it if it brings new ones along. */
export function functionAlone(code: string, name: string, file: readonly string[]): string {
  const lines = code.split('\n');
  const written = functionsOf(lines);
  const known = new Set(functionsOf(file).map(one => one.name));
  const asked = written.find(one => one.name === name);
  if (asked === undefined || written.some(one => !known.has(one.name))) return code;
  return lines.slice(asked.first, asked.last + 1).join('\n');
}
