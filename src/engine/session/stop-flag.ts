/** Ends long work in the worker from outside, between two calls into the runtime. */
import { cancelled } from '../../base/errors.ts';
import type { StopFlag } from './wire.ts';

/** Set when `signal` aborts. */
export function stopFlag(signal: AbortSignal | undefined): StopFlag {
  const flag = new Int32Array(new SharedArrayBuffer(4));
  const set = () => void Atomics.store(flag, 0, 1);
  if (signal?.aborted) set();
  signal?.addEventListener('abort', set, { once: true });
  return flag;
}

/** Throws `cancelled`. */
export function throwIfStopped(flag: StopFlag): void {
  if (Atomics.load(flag, 0) !== 0) throw cancelled();
}
