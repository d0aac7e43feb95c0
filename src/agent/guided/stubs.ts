/** Bodies that say of themselves that they are not written yet. A small model that is to write them copies them as they are. */
import { definedName } from './region.ts';
import { commentSign } from './source-paths.ts';

const TO_BE_WRITTEN = 'to be written';
const STUB_LINE = new RegExp(
  [
    /^([ \t]*)(?:throw new Error\(.*(?:not (?:yet )?implemented|implement (?:this|me)|todo['"`]).*|raise NotImplementedError.*|(?:todo|unimplemented)!\(.*)$/
      .source,
    /(?<=^[ \t]*def [^\n]*:\n)([ \t]*)pass[ \t]*$/.source,
    `^([ \\t]*)(?://|#) ${TO_BE_WRITTEN}$`,
  ].join('|'),
  'gim',
);
/** A task to write such bodies. */
const IMPLEMENTS = /\b(?:implement|complete|finish)\b/i;

export const isImplementing = (task: string): boolean => IMPLEMENTS.test(task);

/** The first line that is still a stub; null if none is. */
export const stubIn = (text: string): string | null => text.match(STUB_LINE)?.[0].trim() ?? null;

/** A comment in the place of each stub, so that the lines keep their numbers. */
export const withoutStubs = (text: string, path: string): string =>
  text.replace(
    STUB_LINE,
    (_, ...indents: (string | undefined)[]) =>
      `${indents.slice(0, 3).find(indent => indent !== undefined) ?? ''}${toBeWritten(path)}`,
  );

export const toBeWritten = (path: string): string => `${commentSign(path)} ${TO_BE_WRITTEN}`;

const PROMISE = /\b(?:implement|initiali[sz]e|logic|code|here|todo)\b/i;

/** Of the first function of `code` that holds only comments which say what is to come, the first of them; null if there is none. */
export function promiseIn(code: string): string | null {
  const lines = code.split('\n');
  for (const [index, line] of lines.entries()) {
    if (definedName(line) === null || !/\{\s*$/.test(line)) continue;
    const end = lines.findIndex((next, at) => at > index && !/^\s*\/\//.test(next));
    const body = lines.slice(index + 1, end);
    if (/^\s*\}/.test(lines[end] ?? '') && body.some(comment => PROMISE.test(comment)))
      return body[0]!.trim();
  }
  return null;
}
