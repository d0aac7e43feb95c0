/** What waits for the user: an approval or an answer, until the page sends it or the work is stopped. */
import { cancelled } from '../../base/errors.ts';

export class Pending<T> {
  readonly #waiting = new Map<string, (value: T) => void>();

  /** @throws MoebiusError `cancelled` when `signal` is aborted first */
  wait(id: string, signal: AbortSignal): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      const stop = () => {
        this.#waiting.delete(id);
        reject(cancelled());
      };
      if (signal.aborted) return stop();
      signal.addEventListener('abort', stop, { once: true });
      this.#waiting.set(id, value => {
        signal.removeEventListener('abort', stop);
        resolve(value);
      });
    });
  }

  /** false: nobody waits for this (any more). */
  settle(id: string, value: T): boolean {
    const resolve = this.#waiting.get(id);
    this.#waiting.delete(id);
    resolve?.(value);
    return resolve !== undefined;
  }
}
