/**
 * The heads of a stub's functions. A small model that is to write several of them imports them from the file itself, or talks about
 * them; so each is begun for it in turn, in one answer that grows: the host writes the heads, the model the bodies.
 */
import { depthOf } from '../edits/lines.ts';
import { functionsOf } from './bodies.ts';
import { withoutHeader } from './code-answer.ts';
import { definedName } from './region.ts';

export interface Head {
  name: string;
  /** What stands in the file before it, from the end of the function before on. */
  before: string;
  /** Where the function begins. */
  line: string;
}

/** Of the functions and methods of a file, in their order. */
export function headsOf(file: string): Head[] {
  const lines = file.split('\n');
  let from = 0;
  return functionsOf(lines).map(({ name, first, last, bodyFirst }) => {
    const at = first + lines.slice(first, bodyFirst).findIndex(line => definedName(line) === name);
    const before = lines
      .slice(from, at)
      .map(line => `${line}\n`)
      .join('');
    from = last + 1;
    return { name, before, line: lines[at]! };
  });
}

/** Its line up to its parameters, which a stub may not have yet; all of `x => {`. It tells that the model came to it by itself. */
export const markOf = ({ line }: Head): string => line.slice(0, line.indexOf('(') + 1) || line;

/** What it is begun with: without the bracket, which the model writes in one token with what follows. */
const openingOf = (head: Head): string => markOf(head).replace(/\s*\($/, '');

/** As it is told to the model. */
export const signatureOf = ({ line }: Head): string => line.trim().replace(/(?:\s*=>)?\s*[{:]\s*$/, '');

/** `code`, which ends somewhere behind the function of `previous`, with `head` begun; `previous`: null at the start of the file. */
export function begun(code: string, previous: Head | null, head: Head): string {
  const opening = openingOf(head);
  // A stub's own says that it is a skeleton, which the model believes; it is put back in the end.
  if (previous === null) return withoutHeader(head.before + opening);
  const landmark = head.before.split('\n').findLast(line => line.trim() !== '' && !isCloser(line));
  const written = code.slice(code.lastIndexOf(openingOf(previous)));
  // The model came up to it by itself, the next class included.
  if (landmark !== undefined && written.includes(landmark.trim())) return `${code.trimEnd()}\n${opening}`;
  return `${withoutClosers(code, depthOf(previous.line))}\n${head.before}${opening}`;
}

/** A model that is done with a function closes the class around it, too. */
function withoutClosers(code: string, indent: number): string {
  const lines = code.trimEnd().split('\n');
  while (isCloser(lines.at(-1)!) && depthOf(lines.at(-1)!) < indent) {
    lines.pop();
    while (lines.at(-1)?.trim() === '') lines.pop();
  }
  return lines.join('\n');
}

const isCloser = (line: string): boolean => /^\s*(?:[)\]}]+[;,]*|end)\s*$/.test(line);
/** Whether `code` has written the function of `heads[index]` already; of several of one name as many. */
export function isWritten(code: string, heads: readonly Head[], index: number): boolean {
  const { name } = heads[index]!;
  const count = (all: readonly { name: string }[]) => all.filter(one => one.name === name).length;
  return count(functionsOf(code.split('\n'))) >= count(heads.slice(0, index + 1));
}
