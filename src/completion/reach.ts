/**
 * How much of a document a cursor brings along: more than any prompt window holds, so that an old window's start is found
 * again; see prompt-window.ts.
 */
import { cutAbove } from './cut-above.ts';

/** Above the cursor's own, enough to know whether a string or a comment is open where the text is cut; line ends after it. */
export const REACH_LINES = { before: 5000, after: 60 } as const;
const REACH_CHARS = { before: 12_000, after: 3000 } as const;

/** Text before and after a cursor, with `\n` line ends. */
export interface Around {
  before: string;
  after: string;
}

const NOTHING: Around = { before: '', after: '' };

/** What is within reach of `own`, a document's text. `cells`: of its notebook, above and below it. */
export function withinReach(own: Around, languageId: string, cells: Around = NOTHING): Around {
  const below = own.after.split('\n');
  if (below.length > REACH_LINES.after) below.splice(REACH_LINES.after, below.length, '');
  return {
    before: cutAbove(cells.before + own.before, REACH_CHARS.before, languageId),
    after: (below.join('\n') + cells.after).slice(0, REACH_CHARS.after),
  };
}
