/** Places where the user has just sent a suggestion away; the same one is not offered there again. */
import type { Cursor } from './cursor.ts';

/** More than a few are another part of the day. */
const REMEMBERED = 20;

export class Dismissals {
  private places: string[] = [];

  add(cursor: Cursor): void {
    this.places = [placeOf(cursor), ...this.places].slice(0, REMEMBERED);
  }

  /** Until the user types on: another line is another place. */
  has(cursor: Cursor): boolean {
    return this.places.includes(placeOf(cursor));
  }

  clear(): void {
    this.places = [];
  }
}

/** By the text and not by line numbers, which edits above move. */
const placeOf = (cursor: Cursor): string =>
  JSON.stringify([cursor.uri, cursor.before.slice(-200), cursor.after.slice(0, 100)]);
