/** Peace for a while: completions that nobody asked for wait until it is over. */
import type { Clock } from '../base/clock.ts';
import type { Disposable } from '../base/disposable.ts';
import { Emitter } from '../base/emitter.ts';

export class Snooze implements Disposable {
  readonly #clock: Clock;
  readonly #changed = new Emitter<void>();
  readonly onDidChange = this.#changed.event;
  #timer: Disposable | null = null;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  get isOn(): boolean {
    return this.#timer !== null;
  }

  start(ms: number): void {
    this.#timer?.dispose();
    this.#timer = this.#clock.after(ms, () => this.end());
    this.#changed.fire();
  }

  end(): void {
    this.#timer?.dispose();
    this.#timer = null;
    this.#changed.fire();
  }

  dispose(): void {
    this.#timer?.dispose();
  }
}
