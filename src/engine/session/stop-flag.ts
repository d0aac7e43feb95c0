/** Ends long work in the worker from outside, between two calls into the runtime. */
import { cancelled } from '../../base/errors.ts';
import type { StopFlag } from './wire.ts';

/** Raised when `signal` aborts. */
export function stopFlag(signal: AbortSignal | undefined): StopFlag {
  const flag = new Int32Array(new SharedArrayBuffer(4));
  if (signal?.aborted) raise(flag);
  signal?.addEventListener('abort', () => raise(flag), { once: true });
  return flag;
}

export function raise(flag: StopFlag): void {
  Atomics.store(flag, 0, 1);
}

/** Throws `cancelled`. */
export function throwIfStopped(flag: StopFlag): void {
  if (Atomics.load(flag, 0) !== 0) throw cancelled();
}
