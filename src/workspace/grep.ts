/** Finding lines by a pattern that a model wrote: a bad one costs a bounded time, never the process. */
import { createContext, Script } from 'node:vm';
import { MoebiusError } from '../base/errors.ts';

const MAX_PATTERN_CHARS = 1000;
/** Lines are matched, and shown, up to here: the rest of a minified file is no line to read. */
const MAX_LINE_CHARS = 10_000;
const SHOWN_CHARS = 300;
/** A `\r` left on the line would stand between its text and a `$`. */
const LINE_END = /\r?\n/;
/** For one file; ordinary patterns take well under a millisecond. */
const TIMEOUT_MS = 500;

/** [line from 1, its text, cut]. */
export type LineHit = readonly [line: number, text: string];
export type LineSearch = (text: string, limit: number) => LineHit[];

/** @throws MoebiusError `bad-request` for a pattern that is none, or (from the search) takes too long. */
export function lineSearch(pattern: string, isRegExp: boolean): LineSearch {
  if (!pattern) throw new MoebiusError('bad-request', 'The pattern is empty.');
  if (pattern.length > MAX_PATTERN_CHARS) {
    throw new MoebiusError('bad-request', `The pattern is longer than ${MAX_PATTERN_CHARS} characters.`);
  }
  if (!isRegExp) return (text, limit) => hitsOf(text, limit, line => line.includes(pattern));
  try {
    new RegExp(pattern);
  } catch (error) {
    throw new MoebiusError(
      'bad-request',
      `${(error as Error).message}. Search for plain text or mend the pattern.`,
    );
  }
  // A context of its own, because only what runs in a script can be stopped by a timeout.
  const context = createContext({ lines: [], limit: 0, source: pattern });
  const script = new Script(
    `re ??= new RegExp(source); out = [];
     for (let i = 0; i < lines.length && out.length < limit; i++) if (re.test(lines[i])) out.push(i);
     out`,
  );
  new Script('var re, out').runInContext(context);
  return (text, limit) => {
    const lines = text.split(LINE_END).map(line => line.slice(0, MAX_LINE_CHARS));
    Object.assign(context, { lines, limit });
    try {
      const found = script.runInContext(context, { timeout: TIMEOUT_MS }) as number[];
      return Array.from(found, index => [index + 1, shown(lines[index]!)] as const);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ERR_SCRIPT_EXECUTION_TIMEOUT') throw error;
      throw new MoebiusError(
        'bad-request',
        'The pattern takes too long to match. Use a simpler one, or plain text.',
      );
    }
  };
}

function hitsOf(text: string, limit: number, isHit: (line: string) => boolean): LineHit[] {
  const hits: LineHit[] = [];
  for (const [index, line] of text.split(LINE_END).entries()) {
    if (hits.length >= limit) break;
    if (isHit(line)) hits.push([index + 1, shown(line)]);
  }
  return hits;
}

function shown(line: string): string {
  return line.length > SHOWN_CHARS ? `${line.slice(0, SHOWN_CHARS)}…` : line;
}
