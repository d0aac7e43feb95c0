/** Bodies that say of themselves that they are not written yet. A small model that is to write them copies them as they are. */
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
