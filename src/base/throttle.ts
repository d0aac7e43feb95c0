import type { Clock } from './clock.ts';
import type { Disposable } from './disposable.ts';

/** Calls `action` at once, then at most every `intervalMs`; the last of many calls is never lost. */
export class Throttle implements Disposable {
  readonly #clock: Clock;
  readonly #intervalMs: number;
  readonly #action: () => void;
  #pause: Disposable | null = null;
  #isAsked = false;

  constructor(clock: Clock, intervalMs: number, action: () => void) {
    this.#clock = clock;
    this.#intervalMs = intervalMs;
    this.#action = action;
  }

  readonly call = (): void => {
    if (this.#pause) {
      this.#isAsked = true;
      return;
    }
    this.#pause = this.#clock.after(this.#intervalMs, () => {
      this.#pause = null;
      if (!this.#isAsked) return;
      this.#isAsked = false;
      this.call();
    });
    this.#action();
  };

  dispose(): void {
    this.#pause?.dispose();
    this.#isAsked = false;
  }
}
