/** Notices that the model goes round in circles: the same call with the same result, again and again. */
import type { ToolCall } from '../protocol/daemon.ts';

/** So many times the same, and it is stopped; one time before that it is told. */
const STOP_AT = 3;

export class RepetitionWatch {
  #counts = new Map<string, number>();

  /**
   * How often this call has had this result, this time included. After something was changed other calls may have other results,
   * so their count starts again.
   */
  note(call: ToolCall, result: string, hasChanged: boolean): 'new' | 'again' | 'stop' {
    const key = `${canonical(call)}\n${result}`;
    const count = (this.#counts.get(key) ?? 0) + 1;
    if (hasChanged) this.#counts.clear();
    this.#counts.set(key, count);
    if (count >= STOP_AT) return 'stop';
    return count === STOP_AT - 1 ? 'again' : 'new';
  }
}

/** JSON with sorted keys: the same arguments in another order are the same call. */
export function canonical(value: unknown): string {
  return JSON.stringify(value, (_, inner: unknown) =>
    typeof inner === 'object' && inner !== null && !Array.isArray(inner)
      ? Object.fromEntries(Object.entries(inner).sort(([a], [b]) => (a < b ? -1 : 1)))
      : inner,
  );
}
