/** How long to wait after a keystroke: about as long as this user's next keystroke usually takes. */
const SHORTEST_MS = 75;
const LONGEST_MS = 300;
/** Gaps longer than this are thinking, not typing. */
const LONGEST_GAP_MS = 400;
/** Weight of the newest gap in the running mean. */
const NEWEST_WEIGHT = 0.15;

export class AdaptiveDebounce {
  private lastMs: number | null = null;
  private meanGapMs = 150;

  /** Tells it of a keystroke at `nowMs` (any monotonic clock). */
  keystroke(nowMs: number): void {
    const gap = this.lastMs === null ? null : nowMs - this.lastMs;
    this.lastMs = nowMs;
    if (gap === null || gap > LONGEST_GAP_MS) return;
    this.meanGapMs += NEWEST_WEIGHT * (gap - this.meanGapMs);
  }

  /** Milliseconds to wait. A new line or a punctuation mark is a natural place to look: half as long. */
  delayMs(lastTyped: string): number {
    const factor = /[\s({[.,:=>]/.test(lastTyped) ? 0.75 : 1.3;
    return Math.round(Math.min(LONGEST_MS, Math.max(SHORTEST_MS, this.meanGapMs * factor)));
  }
}
