/** A job for when nobody wants anything: begun after a quiet while, given up when work comes, done once. */
import type { Clock } from '../base/clock.ts';
import type { Disposable } from '../base/disposable.ts';

export interface IdleTaskOptions {
  clock: Clock;
  quietMs: number;
  isBusy(): boolean;
  /** Ends soon after `signal` aborts. A rejection without an abort is final: it is logged and not tried again. */
  run(signal: AbortSignal): Promise<void>;
  log(message: string): void;
}

export class IdleTask implements Disposable {
  readonly #options: IdleTaskOptions;
  #timer: Disposable | null = null;
  #running: AbortController | null = null;
  /** Resolves when what was begun last has ended. */
  #ended: Promise<void> = Promise.resolve();
  #isOver = false;

  constructor(options: IdleTaskOptions) {
    this.#options = options;
  }

  /** To be called whenever `isBusy` may have changed. */
  readonly noteChange = (): void => {
    if (this.#isOver) return;
    if (this.#options.isBusy()) {
      this.#timer?.dispose();
      this.#timer = null;
      this.#running?.abort();
      return;
    }
    if (this.#running) return;
    this.#timer ??= this.#options.clock.after(this.#options.quietMs, () => {
      this.#ended = this.#begin();
    });
  };

  /** Resolves when nothing of it runs any more. */
  async dispose(): Promise<void> {
    this.#isOver = true;
    this.#timer?.dispose();
    this.#running?.abort();
    await this.#ended;
  }

  async #begin(): Promise<void> {
    this.#timer = null;
    const running = new AbortController();
    this.#running = running;
    try {
      await this.#options.run(running.signal);
      this.#isOver = true;
    } catch (error) {
      if (!running.signal.aborted) {
        this.#isOver = true;
        this.#options.log((error as Error).message);
      }
    } finally {
      this.#running = null;
      this.noteChange();
    }
  }
}
