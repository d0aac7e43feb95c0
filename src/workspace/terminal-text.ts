/**
 * What a terminal would show of a program's output, as plain lines: escape sequences are taken out, a carriage return and a
 * backspace overwrite. Works on chunks, wherever they are cut.
 */
import { StringDecoder } from 'node:string_decoder';

/** The rest of a longer line is left out: nobody reads it, and it would be sent to the model. */
const MAX_LINE_CHARS = 4000;
/** An escape sequence that does not end is not one. */
const MAX_SEQUENCE_CHARS = 4096;

/** CSI, then OSC, DCS, SOS, PM and APC with their text, then the short ones. Sequences as in ECMA-48. */
const SEQUENCE =
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
  /^(?:(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]|(?:\x1b[\]PX^_]|[\x9d\x90\x98\x9e\x9f])[^\x07\x1b\x9c]*(?:\x07|\x1b\\|\x9c)|\x1b[ -/]*[0-OQ-WYZ\\`-~])/;
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
const STARTS = /[\x1b\x90\x98\x9b\x9d-\x9f]/;

export class TerminalText {
  readonly #decoder = new StringDecoder('utf8');
  readonly #onLine: (line: string) => void;
  #pending = '';
  #line: string[] = [];
  #column = 0;

  constructor(onLine: (line: string) => void) {
    this.#onLine = onLine;
  }

  write(chunk: Buffer): void {
    this.#consume(this.#decoder.write(chunk), false);
  }

  /** The last line, without its end. Nothing is written after it. */
  end(): void {
    this.#consume(this.#decoder.end(), true);
    if (this.#line.length) this.#endLine();
  }

  /** The line that has not ended yet. */
  get open(): string {
    return this.#line.join('');
  }

  #consume(text: string, isLast: boolean): void {
    let rest = this.#pending + text;
    this.#pending = '';
    while (rest) {
      const at = rest.search(STARTS);
      this.#print(at < 0 ? rest : rest.slice(0, at));
      if (at < 0) return;
      rest = rest.slice(at);
      const sequence = SEQUENCE.exec(rest)?.[0];
      if (sequence) {
        const erased = /^.\[?([02]?)K$/.exec(sequence);
        if (erased) this.#erase(erased[1] === '2' ? 0 : this.#column);
        rest = rest.slice(sequence.length);
      } else if (isLast || rest.length > MAX_SEQUENCE_CHARS) {
        rest = rest.slice(1);
      } else {
        this.#pending = rest;
        return;
      }
    }
  }

  #print(text: string): void {
    for (const char of text) {
      if (char === '\n') this.#endLine();
      else if (char === '\r') this.#column = 0;
      else if (char === '\b') this.#column = Math.max(0, this.#column - 1);
      else if (char >= ' ' || char === '\t') this.#put(char);
      // Other control characters, NUL and DEL among them, show nothing on a terminal.
    }
  }

  #put(char: string): void {
    if (char === '\x7f' || (char >= '\x80' && char < '\xa0')) return;
    const column = Math.min(this.#column++, MAX_LINE_CHARS);
    while (this.#line.length < column) this.#line.push(' ');
    this.#line[column] = column < MAX_LINE_CHARS ? char : '…';
  }

  #erase(from: number): void {
    this.#line.length = Math.min(this.#line.length, from);
  }

  #endLine(): void {
    this.#onLine(this.#line.join(''));
    this.#line = [];
    this.#column = 0;
  }
}
