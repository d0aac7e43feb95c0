/** What every filter is given. A filter returns the text it leaves, '' where nothing is left to suggest. */
import type { Cursor } from '../cursor.ts';
import type { Extent } from '../extent.ts';

export interface Draft {
  cursor: Cursor;
  extent: Extent;
  /** The model was stopped before it was done. */
  isCut: boolean;
}

export type Filter = (text: string, draft: Draft) => string;
