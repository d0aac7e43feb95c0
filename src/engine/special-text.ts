/**
 * Special-token literals (`<|im_end|>`) in text. A prompt is assembled as one string, so that a chat template sees whole
 * messages; but what users, files and tools wrote must not turn into control tokens. So every literal inside their text
 * is broken with a marker character before assembly, intact literals are split off after it, and the markers are
 * removed from what is left.
 */
import { MoebiusError } from '../base/errors.ts';
import { escapeRegExp } from '../base/escape-regexp.ts';

export type Piece = { text: string } | { special: number };

/** Unicode noncharacters U+FDD0..U+FDEF: valid in a string, never assigned, untouched by any normalisation. */
const FIRST_MARKER = 0xfdd0;
const MARKERS = 32;

export class SpecialText {
  /** Literal -> id, longest literal first. */
  readonly #ids: Map<string, number>;
  readonly #pattern: RegExp | null;

  constructor(specials: Iterable<[string, number]>) {
    const sorted = [...specials].filter(([literal]) => literal.length > 0);
    sorted.sort(([a], [b]) => b.length - a.length);
    this.#ids = new Map(sorted);
    this.#pattern =
      sorted.length === 0
        ? null
        : new RegExp(sorted.map(([literal]) => escapeRegExp(literal)).join('|'), 'g');
  }

  /** A character that occurs in none of `texts`. Throws `bad-request` when all 32 are taken. */
  pickMarker(texts: readonly string[]): string {
    for (let i = 0; i < MARKERS; i++) {
      const marker = String.fromCharCode(FIRST_MARKER + i);
      if (!texts.some(text => text.includes(marker))) return marker;
    }
    throw new MoebiusError(
      'bad-request',
      'The conversation holds all 32 Unicode noncharacters U+FDD0..U+FDEF, one of which is needed to send it. Remove them.',
    );
  }

  /**
   * `text` with `marker` inside every special literal, except those whose id is in `allowed`. A literal's beginning at
   * the end of the text, its end at the start, and its middle are broken too, so that none forms across a seam.
   */
  shield(text: string, marker: string, allowed?: ReadonlySet<number>): string {
    if (this.#pattern === null || text === '') return text;
    const broken = text.replace(this.#pattern, literal =>
      allowed?.has(this.#ids.get(literal)!) ? literal : literal[0] + marker + literal.slice(1),
    );
    const shielded = this.#breakStart(this.#breakEnd(broken, marker), marker);
    return shielded === text && this.#isInside(text) ? text[0] + marker + text.slice(1) : shielded;
  }

  /** Cuts `text` at intact special literals and removes `marker` from the text between them. */
  split(text: string, marker?: string): Piece[] {
    const pieces: Piece[] = [];
    const pushText = (part: string) => {
      const clean = marker === undefined ? part : part.replaceAll(marker, '');
      if (clean !== '') pieces.push({ text: clean });
    };
    let from = 0;
    for (const match of this.#pattern === null ? [] : text.matchAll(this.#pattern)) {
      pushText(text.slice(from, match.index));
      pieces.push({ special: this.#ids.get(match[0])! });
      from = match.index + match[0].length;
    }
    pushText(text.slice(from));
    return pieces;
  }

  #isInside(text: string): boolean {
    for (const literal of this.#ids.keys()) if (literal !== text && literal.includes(text)) return true;
    return false;
  }

  #breakEnd(text: string, marker: string): string {
    const length = longest(this.#ids.keys(), literal => {
      for (let n = Math.min(literal.length - 1, text.length); n > 0; n--) {
        if (text.endsWith(literal.slice(0, n))) return n;
      }
      return 0;
    });
    if (length === 0) return text;
    const at = text.length - length + 1;
    return text.slice(0, at) + marker + text.slice(at);
  }

  #breakStart(text: string, marker: string): string {
    const length = longest(this.#ids.keys(), literal => {
      for (let n = Math.min(literal.length - 1, text.length); n > 0; n--) {
        if (text.startsWith(literal.slice(literal.length - n))) return n;
      }
      return 0;
    });
    return length === 0 ? text : text.slice(0, length - 1) + marker + text.slice(length - 1);
  }
}

function longest(literals: Iterable<string>, measure: (literal: string) => number): number {
  let best = 0;
  for (const literal of literals) best = Math.max(best, measure(literal));
  return best;
}
