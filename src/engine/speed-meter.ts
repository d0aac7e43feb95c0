/** Tokens per second of late, older measurements fading. */
export class SpeedMeter {
  readonly #keep: number;
  #tokens = 0;
  #ms = 0;

  /** `keep` is the share of the past that stays with each new measurement, in 0..1. */
  constructor(keep: number) {
    this.#keep = keep;
  }

  add(tokens: number, ms: number): void {
    this.#tokens = this.#tokens * this.#keep + tokens;
    this.#ms = this.#ms * this.#keep + ms;
  }

  get tokensPerSecond(): number | null {
    return this.#ms > 0 ? (this.#tokens / this.#ms) * 1000 : null;
  }
}
