/** The place where the user's line and the suggestion meet. */
import { lineBefore } from '../cursor.ts';
import type { Filter } from './filter.ts';

/** One space between the two, not one of each. */
export const joinSpaces: Filter = (text, { cursor }) =>
  /\S[ \t]+$/.test(lineBefore(cursor)) ? text.replace(/^[ \t]+/, '') : text;

const HEAD =
  /^\s*(?:(?:export|default|public|private|protected|static|async|pub)\s+)*(def|class|function|fn|func|fun|interface|struct|enum)\s+$/;
/** What may follow the name in the head of a declaration; a name with dots belongs to something: `self.create`, `String.shout`. */
const AFTER_NAME = /^[\w$]*(?:[?!]?\s*(?:[(<[{:=;,]|$)|\s+\w|(?:\.[\w$]+)+[?!]?\s*(?:[(<:{]|$))/;

/** A name that is being declared is completed to a head; the first statement of the body in its place is not one. */
export const keepHead: Filter = (text, { cursor }) => {
  const line = lineBefore(cursor);
  const name = /[\w$]*$/.exec(line)![0];
  const isHead = name !== '' && HEAD.test(line.slice(0, line.length - name.length));
  return isHead && !AFTER_NAME.test(name + text.split('\n', 1)[0]!) ? '' : text;
};
