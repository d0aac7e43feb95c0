/** Lines that a model writes about the code instead of writing code. */
import { lineBefore } from '../cursor.ts';
import { isProseLanguage, isTagged } from '../markup.ts';
import { isInProse } from '../silence.ts';
import type { Filter } from './filter.ts';

/** How an answer in words begins; the line ends like a sentence. */
const LEAD_IN =
  /^\s*(?:sure|certainly|of course|okay|here(?:'s| is| are)|the following|below is|to (?:complete|fix|implement)|you can|this (?:code|function|method|class))\b.*[:.!]\s*$/i;
/** The file's name, which a prompt's header teaches small models to repeat. */
const PATH_LINE = /^\s*(?:\/\/|#|--|<!--|\/\*)\s*(?:path|file(?:name)?):\s*\S+/i;
/** The text says of itself that it is over. */
const END_MARK = /^\s*(?:(?:\/\/|#|--|\/\*)\s*end of (?:the )?(?:file|code)\b|<STOP EDITING HERE)/i;

export const dropChatter: Filter = (text, { cursor, syntax }) => {
  const { languageId } = cursor;
  if (isProseLanguage(languageId)) return text;
  const lines = text.split('\n');
  const end = lines.findIndex(line => END_MARK.test(line));
  if (end >= 0) lines.length = end;
  // In the middle of a line the first line belongs to code that the user wrote.
  const isOwnLine = lineBefore(cursor).trim() === '';
  const isChatter = (line: string) =>
    PATH_LINE.test(line) || (LEAD_IN.test(line) && !isTagged(languageId) && !isInProse(cursor, syntax));
  while (isOwnLine && lines.length > 0 && isChatter(lines[0]!)) lines.shift();
  return lines.join('\n');
};
