/** The text ends before the first of the stop strings, wherever token boundaries fall. */
export class StopStrings {
  readonly #stops: string[];
  /** Text that may be the beginning of a stop string. */
  #held = '';

  constructor(stops: readonly string[]) {
    this.#stops = stops.filter(stop => stop !== '');
  }

  /** Adds `text`; returns what can be shown, and whether a stop string was met (it and all after it are dropped). */
  push(text: string): { text: string; stopped: boolean } {
    const all = this.#held + text;
    let end = -1;
    for (const stop of this.#stops) {
      const at = all.indexOf(stop);
      if (at >= 0 && (end < 0 || at < end)) end = at;
    }
    if (end >= 0) {
      this.#held = '';
      return { text: all.slice(0, end), stopped: true };
    }
    const shown = all.length - this.#overlap(all);
    this.#held = all.slice(shown);
    return { text: all.slice(0, shown), stopped: false };
  }

  /** What was held back, when nothing more will come. */
  flush(): string {
    const rest = this.#held;
    this.#held = '';
    return rest;
  }

  /** Length of the longest end of `text` that begins a stop string. */
  #overlap(text: string): number {
    let longest = 0;
    for (const stop of this.#stops) {
      for (let n = Math.min(stop.length - 1, text.length); n > longest; n--) {
        if (text.endsWith(stop.slice(0, n))) longest = n;
      }
    }
    return longest;
  }
}
