import type { Disposable } from './disposable.ts';

/** Monotonic time and timers in milliseconds, handed in so that tests can turn the hands themselves. */
export interface Clock {
  now(): number;
  /** Calls `action` once after `ms`. Does not keep the process alive. */
  after(ms: number, action: () => void): Disposable;
}

export const monotonicClock: Clock = {
  now: () => performance.now(),
  after(ms, action) {
    const timer = setTimeout(action, ms);
    timer.unref();
    return { dispose: () => clearTimeout(timer) };
  },
};
