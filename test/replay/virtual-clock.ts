/** Time that jumps to the next thing that is due. While real work is awaited it stands still. */
import type { Clock } from '../../src/base/clock.ts';
import type { Disposable } from '../../src/base/disposable.ts';

interface Timer {
  at: number;
  action: () => void;
}

export class VirtualClock implements Clock {
  #now = 0;
  readonly #timers = new Set<Timer>();
  readonly #work = new Set<Promise<unknown>>();

  now(): number {
    return this.#now;
  }

  after(ms: number, action: () => void): Disposable {
    const timer = { at: this.#now + ms, action };
    this.#timers.add(timer);
    return { dispose: () => this.#timers.delete(timer) };
  }

  /** Resolves after `ms`, or at once when the signal aborts. */
  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    return new Promise(resolve => {
      if (signal?.aborted) return resolve();
      const wake = () => {
        timer.dispose();
        signal?.removeEventListener('abort', wake);
        resolve();
      };
      const timer = this.after(ms, wake);
      signal?.addEventListener('abort', wake);
    });
  }

  /** Work that takes real time and none of this. */
  async outside<T>(job: Promise<T>): Promise<T> {
    this.#work.add(job);
    try {
      return await job;
    } finally {
      this.#work.delete(job);
    }
  }

  /** Turns the hands until `end` has settled. */
  async until<T>(end: Promise<T>): Promise<T> {
    let isOver = false;
    const over = () => {
      isOver = true;
    };
    end.then(over, over);
    for (;;) {
      // What is ready goes on first: it may set a timer, or begin work.
      for (let i = 0; i < 4; i++) await new Promise<void>(resolve => setImmediate(resolve));
      if (isOver) return end;
      if (this.#work.size > 0) {
        await Promise.allSettled(this.#work);
        continue;
      }
      const due = [...this.#timers].sort((a, b) => a.at - b.at)[0];
      if (!due) throw new Error('Nothing is under way and nothing is due: the replay would wait for ever.');
      this.#now = Math.max(this.#now, due.at);
      this.#timers.delete(due);
      due.action();
    }
  }
}
