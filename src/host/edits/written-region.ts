/**
 * The whole lines of a document that the model is rewriting, while the user may go on typing around them: where they are, and the
 * smallest change that brings them on. Pure. Lines and characters count from 0, line ends are `\n`.
 */
export interface Place {
  line: number;
  character: number;
}
export interface Change {
  start: Place;
  end: Place;
  text: string;
}

export class WrittenRegion {
  #line: number;
  #text: string;

  /** `text`: of whole lines, without the last one's end. */
  constructor(line: number, text: string) {
    this.#line = line;
    this.#text = text;
  }

  get text(): string {
    return this.#text;
  }

  /** What it covers, the end of its last line excluded. */
  get range(): { start: Place; end: Place } {
    return this.rangeOf(this.#text);
  }

  /** What it would cover with this text. */
  rangeOf(text: string): { start: Place; end: Place } {
    return { start: this.#placeIn(text, 0), end: this.#placeIn(text, text.length) };
  }

  /** The run of lines in which `next` differs; null if in none. */
  changeTo(next: string): Change | null {
    const text = this.#text;
    if (next === text) return null;
    const most = Math.min(text.length, next.length);
    let same = 0;
    while (same < most && text[same] === next[same]) same++;
    const start = text.slice(0, same).lastIndexOf('\n') + 1;
    let tail = 0;
    while (tail < most - start && text.at(-1 - tail) === next.at(-1 - tail)) tail++;
    // From the end of a line on: a change covers whole lines.
    const cut = text.indexOf('\n', text.length - tail);
    const kept = cut < 0 ? 0 : text.length - cut;
    return {
      start: this.#placeIn(text, start),
      end: this.#placeIn(text, text.length - kept),
      text: next.slice(start, next.length - kept),
    };
  }

  /** It was brought on to this text. */
  become(text: string): void {
    this.#text = text;
  }

  /** The document was changed: above, the lines move. Whether they are still the same, the document says. */
  shift({ start, end, text }: Change): void {
    const isAbove = end.line < this.#line;
    // Up to the first line's beginning, and what was written there ends a line.
    const isBefore =
      end.line === this.#line &&
      end.character === 0 &&
      (text === '' ? start.character === 0 : text.endsWith('\n'));
    if (isAbove || isBefore) this.#line += text.split('\n').length - 1 - (end.line - start.line);
  }

  #placeIn(text: string, offset: number): Place {
    const before = text.slice(0, offset);
    const lineStart = before.lastIndexOf('\n') + 1;
    return { line: this.#line + before.split('\n').length - 1, character: offset - lineStart };
  }
}
