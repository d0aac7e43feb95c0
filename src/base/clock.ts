import type { Disposable } from './disposable.ts';

/** Monotonic time and timers in milliseconds, handed in so that tests can turn the hands themselves. */
export interface Clock {
  now(): number;
  /** Calls `action` once after `ms`. */
  after(ms: number, action: () => void): Disposable;
}

/** Its timers do not keep the process alive. */
export const monotonicClock: Clock = clockOf(timer => timer.unref());

/** Its timers keep the process alive: for work that nothing else may be waiting for, as that of a command. */
export const workClock: Clock = clockOf(timer => timer);

function clockOf(started: (timer: NodeJS.Timeout) => NodeJS.Timeout): Clock {
  return {
    now: () => performance.now(),
    after(ms, action) {
      const timer = started(setTimeout(action, ms));
      return { dispose: () => clearTimeout(timer) };
    },
  };
}
