/**
 * The text of a file as the model sees it: line ends as `\n`, with the way back to the offsets of the stored text. Edits are found
 * here and applied there, so that every line keeps the end it has.
 */
import type { Replacement } from '../ports.ts';

export interface Line {
  /** Offsets in `LfText.text`; `end` is before the line end, `next` after it. */
  start: number;
  end: number;
  next: number;
  text: string;
}

export class LfText {
  readonly text: string;
  readonly #original: string;
  /** Offsets in `text` of the line ends that are two characters in the original. */
  readonly #crlf: number[] = [];
  /** `\r` alone ends a line only where no `\n` does: elsewhere it is a character, as in a log of a terminal. */
  readonly #eol: '\n' | '\r\n' | '\r';
  #lines: Line[] | undefined;

  constructor(original: string) {
    this.#original = original;
    const hasLf = original.includes('\n');
    if (!hasLf) {
      this.#eol = original.includes('\r') ? '\r' : '\n';
      this.text = original.replaceAll('\r', '\n');
      return;
    }
    let removed = 0;
    let lf = 0;
    this.text = original.replace(/\r?\n/g, (end, at: number) => {
      if (end.length === 2) this.#crlf.push(at - removed++);
      else lf++;
      return '\n';
    });
    this.#eol = this.#crlf.length > lf ? '\r\n' : '\n';
  }

  get lines(): Line[] {
    this.#lines ??= splitLines(this.text);
    return this.#lines;
  }

  /** From 0. */
  lineAt(offset: number): number {
    let low = 0;
    let high = this.lines.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if (this.lines[middle]!.start <= offset) low = middle;
      else high = middle - 1;
    }
    return low;
  }

  /** A replacement of this text as one of the original, its new lines with the end that the lines around it have. */
  toOriginal({ start, end, text }: Replacement): Replacement {
    const eol = this.#eolNear(start);
    return {
      start: this.#offset(start),
      end: this.#offset(end),
      text: eol === '\n' ? text : text.replaceAll('\n', eol),
    };
  }

  #offset(offset: number): number {
    let low = 0;
    let high = this.#crlf.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.#crlf[middle]! < offset) low = middle + 1;
      else high = middle;
    }
    return offset + low;
  }

  /** The end of the line at `offset`, or of the line before it, or of most lines. */
  #eolNear(offset: number): string {
    if (this.#eol === '\r' || !this.#crlf.length) return this.#eol;
    let at = this.text.indexOf('\n', offset);
    if (at < 0) at = this.text.lastIndexOf('\n', offset);
    if (at < 0) return this.#eol;
    return this.#original[this.#offset(at)] === '\r' ? '\r\n' : '\n';
  }
}

/** The lines of a text with `\n`; a text that ends with one has no empty last line. */
export function splitLines(text: string): Line[] {
  const lines: Line[] = [];
  for (let start = 0; start < text.length; ) {
    const at = text.indexOf('\n', start);
    const end = at < 0 ? text.length : at;
    const next = at < 0 ? text.length : at + 1;
    lines.push({ start, end, next, text: text.slice(start, end) });
    start = next;
  }
  return lines;
}

export const indentOf = (line: string): string => /^[ \t]*/.exec(line)![0];
/** In characters. */
export const depthOf = (line: string): number => indentOf(line).length;
export const isBlank = (line: string): boolean => line.trim() === '';

/** Applies replacements that do not overlap, in any order. */
export function applyReplacements(text: string, replacements: readonly Replacement[]): string {
  const ordered = replacements.toSorted((a, b) => a.start - b.start || a.end - b.end);
  let result = '';
  let at = 0;
  for (const { start, end, text: inserted } of ordered) {
    if (start < at || end < start || end > text.length) throw new RangeError('replacements overlap');
    result += text.slice(at, start) + inserted;
    at = end;
  }
  return result + text.slice(at);
}
