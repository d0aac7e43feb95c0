/** Tokens per second of an answer while it is written, for the phase line. */
const UPDATE_MS = 300;

export class SpeedGauge {
  tokensPerSecond: number | null = null;
  #firstAt: number | null = null;
  #shownAt = Number.NEGATIVE_INFINITY;
  #pieces = 0;
  #isMeasured = false;

  /** Counts one streamed piece (about a token); true when it is time to show the speed again. */
  tick(now = performance.now()): boolean {
    this.#firstAt ??= now;
    const seconds = (now - this.#firstAt) / 1000;
    if (!this.#isMeasured && seconds > 0.5) this.tokensPerSecond = this.#pieces / seconds;
    this.#pieces++;
    if (now - this.#shownAt < UPDATE_MS) return false;
    this.#shownAt = now;
    return true;
  }

  /** The daemon's own figure, better than counting pieces. */
  measured(tokensPerSecond: number): void {
    this.#isMeasured = true;
    this.tokensPerSecond = tokensPerSecond;
  }
}
