/** How much of a prompt can be read in a given time, by how fast this machine has read so far. */

/** Before anything was measured: a 1.5B model on two cores. Tokens per second. */
const ASSUMED = 80;
/** Weight of the newest request in the running mean. */
const NEWEST_WEIGHT = 0.3;
/** Fewer tokens say more about the start of a request than about reading. */
const TELLING_TOKENS = 32;
/** Code, on average. */
const CHARS_PER_TOKEN = 3.3;
/** The first ghost text in a cold file shall come within 1.5 s; the wait for the typist and the first words take the rest. */
const COLD_MS = 1000;
/** Less text than this is no context at all. */
const LEAST_CHARS = 300;
/** What is worth reading while the user pauses: half a thought's time; what is broken off is not lost. */
const IDLE_MS = 8000;

export class ReadSpeed {
  private tokensPerSecond = ASSUMED;
  private isMeasured = false;

  /** Of another model: what was measured at another time; null: nothing was. */
  assume(tokensPerSecond: number | null): void {
    this.tokensPerSecond = tokensPerSecond ?? ASSUMED;
    this.isMeasured = false;
  }

  /** null: nothing was since it was assumed. */
  get measured(): number | null {
    return this.isMeasured ? this.tokensPerSecond : null;
  }

  /** Tells it of a request that read `tokens` in `ms`. */
  note(tokens: number, ms: number): void {
    if (tokens < TELLING_TOKENS || ms <= 0) return;
    this.isMeasured = true;
    this.tokensPerSecond += NEWEST_WEIGHT * ((1000 * tokens) / ms - this.tokensPerSecond);
  }

  /** Characters that a keystroke in a cold document may cost. */
  get coldChars(): number {
    return Math.max(LEAST_CHARS, this.charsIn(COLD_MS));
  }

  /** Characters that may be read while nobody waits. */
  get idleChars(): number {
    return this.charsIn(IDLE_MS);
  }

  private charsIn(ms: number): number {
    return Math.round((this.tokensPerSecond * CHARS_PER_TOKEN * ms) / 1000);
  }
}
