/**
 * When the model reads ahead: the user has come to a place where the next completion needs a prompt that was not read yet,
 * and pauses there. Knows no editor; the host says what happens.
 */
import type { Clock } from '../base/clock.ts';
import type { Disposable } from '../base/disposable.ts';

export type Occasion = 'opened' | 'moved' | 'typed' | 'saved';
export interface Place {
  uri: string;
  line: number;
}

/** Longer than a completion's debounce: a keystroke's own request comes first and leaves nothing to read. */
const PAUSE_MS = 500;
/** Moves within so many lines belong to typing; only the text after the cursor would be read again for them. */
const FAR_LINES = 8;

export class ReadAhead implements Disposable {
  readonly #clock: Clock;
  readonly #read: () => void;
  #pending: Disposable | null = null;
  /** Where it was read last. */
  #last: Place | null = null;

  /** `read` is called once the user has paused. */
  constructor(clock: Clock, read: () => void) {
    this.#clock = clock;
    this.#read = read;
  }

  /** The cursor is at `place` now. Puts off what was to be read: the user is still on the way. */
  note(occasion: Occasion, place: Place): void {
    if (occasion === 'moved' && !this.#pending && this.#isNear(place)) return;
    this.#pending?.dispose();
    this.#pending = this.#clock.after(PAUSE_MS, () => {
      this.#pending = null;
      this.#last = place;
      this.#read();
    });
  }

  dispose(): void {
    this.#pending?.dispose();
  }

  #isNear({ uri, line }: Place): boolean {
    return this.#last?.uri === uri && Math.abs(line - this.#last.line) <= FAR_LINES;
  }
}
