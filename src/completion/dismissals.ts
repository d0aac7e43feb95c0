/** Suggestions that the user has just sent away; they are not offered again, nor what is left of them while they are typed. */
import { SuggestionCache } from './cache.ts';
import type { Cursor } from './cursor.ts';

/** More than a few are another part of the day. */
const REMEMBERED = 20;

export class Dismissals {
  private readonly dismissed = new SuggestionCache(REMEMBERED);

  add(cursor: Cursor, text: string): void {
    this.dismissed.put(cursor, text);
  }

  /** Until the user types something else: that is another place. */
  has(cursor: Cursor): boolean {
    return this.dismissed.find(cursor) !== null;
  }

  clear(): void {
    this.dismissed.clear();
  }
}
