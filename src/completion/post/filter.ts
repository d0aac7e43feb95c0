/** What every filter is given. A filter returns the text it leaves, '' where nothing is left to suggest. */
import type { Cursor } from '../cursor.ts';
import type { Extent } from '../extent.ts';
import type { Syntax } from '../syntax/syntax.ts';

export interface Draft {
  cursor: Cursor;
  extent: Extent;
  /** The model was stopped before it was done. */
  isCut: boolean;
  /** Absent: no language has a grammar. */
  syntax?: Syntax;
}

export type Filter = (text: string, draft: Draft) => string;
