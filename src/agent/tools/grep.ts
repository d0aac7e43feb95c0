/** `grep`: lines that match a pattern, in all files or those of a glob. */
import { optional, string } from './parameters.ts';
import { counted, defineTool, short, told } from './tool.ts';

const LIMIT = 200;
const LINE_CHARS = 300;

export const grep = defineTool({
  name: 'grep',
  description: 'Search the text of files. Case matters.',
  parameters: {
    pattern: string('regular expression'),
    include: optional(string('glob of the files')),
  },
  title: ({ pattern, include }) =>
    `Search for ${short(pattern, 60)}${include ? ` in ${short(include, 40)}` : ''}`,
  async run({ pattern, include }, { ports, signal }) {
    if (pattern === '') return told('The pattern is empty. Give what to look for.', 'no pattern', false);
    const isRegExp = isValid(pattern);
    const hits = await ports.workspace.grep(
      { pattern, isRegExp, limit: LIMIT, ...(include !== undefined && { include }) },
      signal,
    );
    const note = isRegExp ? '' : 'The pattern is no valid regular expression; it was searched for as it is.';
    if (hits.length === 0) return told(`Nothing matches. ${note}`.trim(), 'no hits');
    const lines = hits.map(hit => `${hit.path}:${hit.line}: ${short(hit.text, LINE_CHARS)}`);
    const more = hits.length >= LIMIT ? [`(there may be more than these ${LIMIT})`] : [];
    return told(
      {
        ...(note && { head: note }),
        lines: [...lines, ...more],
        rest: shown =>
          `(${lines.length - shown} more hits are left out; narrow the pattern, or give include)`,
      },
      counted(hits.length, 'hit'),
    );
  },
});

/** Without flags, as the search reads it: with `u` an escape too many, as in `\-`, is an error. */
function isValid(pattern: string): boolean {
  try {
    new RegExp(pattern);
    return true;
  } catch {
    return false;
  }
}
