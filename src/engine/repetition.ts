/** A loop of at most `period` tokens that fills the last `window` tokens. */
interface Rule {
  period: number;
  window: number;
}
/** The anomaly rule of Copilot's ghost text (microsoft/vscode-copilot-chat, suggestions/anomalyDetection.ts). */
const RULES: readonly Rule[] = [
  { period: 1, window: 10 },
  { period: 10, window: 30 },
  { period: 20, window: 45 },
  { period: 30, window: 60 },
];

/** Notices that the model goes in circles. `patience` multiplies the windows: long answers may hold honest tables. */
export class RepetitionGuard {
  readonly #windows: number[];
  /** The last tokens, a ring indexed by position. */
  readonly #ring: Int32Array;
  /** By period p: how many of the latest tokens equal the token p before them. */
  readonly #runs: Int32Array;
  #count = 0;

  constructor(patience = 1) {
    const longest = RULES[RULES.length - 1]!.period;
    this.#ring = new Int32Array(longest + 1);
    this.#runs = new Int32Array(longest + 1);
    this.#windows = Array.from({ length: longest + 1 }, (_, period) => {
      const rule = RULES.find(rule => period <= rule.period)!;
      return rule.window * patience;
    });
  }

  /** Adds a token; true when the text is a loop by now. */
  push(token: number): boolean {
    const size = this.#ring.length;
    let loops = false;
    for (let period = 1; period < size && period <= this.#count; period++) {
      const before = this.#ring[(this.#count - period) % size];
      const run = before === token ? this.#runs[period]! + 1 : 0;
      this.#runs[period] = run;
      if (run + period >= this.#windows[period]!) loops = true;
    }
    this.#ring[this.#count % size] = token;
    this.#count++;
    return loops;
  }
}
