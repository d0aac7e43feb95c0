/** The output of one command in bounded memory: its first and its last lines, numbered as they were printed. */
import { TerminalText } from './terminal-text.ts';

const HEAD_CHARS = 512 * 1024;
const TAIL_CHARS = 1536 * 1024;
/** Share of NULs and undecodable bytes from which on output is no text. */
const BINARY_SHARE = 0.1;

export class OutputStore {
  readonly #head: string[] = [];
  readonly #tail: string[] = [];
  readonly #text: TerminalText;
  readonly #onLine: (line: string) => void;
  #headChars = 0;
  #tailChars = 0;
  #dropped = 0;
  #sizeBytes = 0;
  #binaryBytes = 0;

  constructor(onLine: (line: string) => void = () => {}) {
    this.#onLine = onLine;
    this.#text = new TerminalText(line => this.#add(line));
  }

  get sizeBytes(): number {
    return this.#sizeBytes;
  }
  get #isBinary(): boolean {
    return this.#sizeBytes > 0 && this.#binaryBytes / this.#sizeBytes > BINARY_SHARE;
  }

  write(chunk: Buffer): void {
    this.#sizeBytes += chunk.length;
    for (const byte of chunk) if (byte === 0 || byte === 0xff || byte === 0xfe) this.#binaryBytes++;
    if (!this.#isBinary) this.#text.write(chunk);
  }

  end(): void {
    this.#text.end();
  }

  /** Lines that were printed, those that are kept no longer included. */
  get totalLines(): number {
    return this.#lines().length + this.#dropped;
  }

  /** All that is kept. */
  text(): string {
    if (this.#isBinary) return `[binary output, ${this.#sizeBytes} bytes]`;
    if (!this.#dropped) return this.#lines().join('\n');
    return [...this.#head, this.#gap(), ...this.#lines().slice(this.#head.length)].join('\n');
  }

  /** Lines from `from` (from 0) on; those that are kept no longer are named in place of them. */
  page(from: number, count: number): string {
    if (this.#isBinary) return this.text();
    const lines = this.#lines();
    const head = this.#head.length;
    /** Where a line is in what is kept behind the gap. */
    const behind = (line: number): number => Math.max(head, line - this.#dropped);
    const before = lines.slice(Math.min(from, head), Math.min(from + count, head));
    const after = lines.slice(behind(from), behind(from + count));
    const isCut = this.#dropped > 0 && from < head + this.#dropped && from + count > head;
    return [...before, ...(isCut ? [this.#gap()] : []), ...after].join('\n');
  }

  #gap(): string {
    const first = this.#head.length;
    return `[lines ${first} to ${first + this.#dropped - 1} were too many to keep]`;
  }

  #lines(): string[] {
    const { open } = this.#text;
    return [...this.#head, ...this.#tail, ...(open ? [open] : [])];
  }

  #add(line: string): void {
    this.#onLine(line);
    if (!this.#tail.length && this.#headChars + line.length <= HEAD_CHARS) {
      this.#head.push(line);
      this.#headChars += line.length + 1;
      return;
    }
    this.#tail.push(line);
    this.#tailChars += line.length + 1;
    if (this.#tailChars <= TAIL_CHARS) return;
    // Down to half at once: one line at a time would move the whole list for each.
    let count = 0;
    while (this.#tailChars > TAIL_CHARS / 2) this.#tailChars -= this.#tail[count++]!.length + 1;
    this.#tail.splice(0, count);
    this.#dropped += count;
  }
}
