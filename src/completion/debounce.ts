/**
 * How long to wait after a keystroke: a part of what this user's next keystroke usually takes, less where a word begins, and
 * less by a part of what the model will take anyway (after Tabby's adaptive debounce). It is short because what is written
 * is joined by the next key that agrees with it: only a key that contradicts it has cost anything (docs/completion.md).
 */
const SHORTEST_MS = 10;
/** Gaps longer than this are thinking, not typing. */
const LONGEST_GAP_MS = 400;
/** Weight of the newest gap, and of the newest answer, in the running means. */
const NEWEST_WEIGHT = 0.15;
/** Shares of a gap. After a blank or punctuation a word begins, which is worth more than the rest of one. */
const FACTORS = { natural: 0.1, other: 0.4 } as const;
/** Of the time that answers take. All of it would ask at every key where the model is slow, for nothing. */
const ANSWER_SHARE = 0.1;

export class AdaptiveDebounce {
  private lastMs: number | null = null;
  private meanGapMs = 150;
  private meanAnswerMs = 0;

  /** Tells it of a keystroke at `nowMs` (any monotonic clock). */
  keystroke(nowMs: number): void {
    const gap = this.lastMs === null ? null : nowMs - this.lastMs;
    this.lastMs = nowMs;
    if (gap === null || gap > LONGEST_GAP_MS) return;
    this.meanGapMs += NEWEST_WEIGHT * (gap - this.meanGapMs);
  }

  /** Tells it how long the model took for a suggestion, from the request on. */
  answered(ms: number): void {
    this.meanAnswerMs += NEWEST_WEIGHT * (ms - this.meanAnswerMs);
  }

  /** Milliseconds to wait. */
  delayMs(lastTyped: string): number {
    const factor = /[\s({[.,:=>]/.test(lastTyped) ? FACTORS.natural : FACTORS.other;
    const delayMs = this.meanGapMs * factor - ANSWER_SHARE * this.meanAnswerMs;
    return Math.round(Math.max(SHORTEST_MS, delayMs));
  }
}
