/** Seconds left of a job by its own pace so far. */

/** Before that much time has passed the pace says nothing. */
const FIRST_ESTIMATE_MS = 2000;

/**
 * The returned function takes the name of the phase, what is done and the total; what was done when a phase began (a
 * resumed download) does not count for its pace. null until there is an estimate.
 */
export function secondsLeftMeter(now: () => number = () => performance.now()) {
  let phase = '';
  let startMs = 0;
  let startDone = 0;
  return (name: string, done: number, total: number): number | null => {
    if (name !== phase || done < startDone) {
      phase = name;
      startMs = now();
      startDone = done;
    }
    const elapsedMs = now() - startMs;
    if (elapsedMs < FIRST_ESTIMATE_MS || done <= startDone || total < done) return null;
    return Math.round(((total - done) * elapsedMs) / (done - startDone) / 1000);
  };
}
