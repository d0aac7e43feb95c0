/**
 * Markdown that grows. A block that is followed by another block can't change any more, so it is rendered once and
 * kept; only the last block is rendered again for every piece of text.
 */
import { type Block, lastBlockStart, renderBlocks } from './markdown.ts';

export class MarkdownStream {
  text = '';
  #frozen: Block[] = [];
  /** Characters of `text` that the frozen blocks cover. */
  #frozenChars = 0;
  #tail: Block[] = [];

  /** All blocks in order. Frozen ones are the same objects every time. */
  get blocks(): readonly Block[] {
    return [...this.#frozen, ...this.#tail];
  }

  push(piece: string): void {
    if (piece === '') return;
    this.text += piece;
    this.#render(false);
  }

  /** The text is complete: its last block is rendered as a finished one. */
  finish(): void {
    this.#render(true);
  }

  reset(text: string): void {
    this.#frozen = [];
    this.#frozenChars = 0;
    this.#tail = [];
    this.text = text;
    this.#render(false);
  }

  #render(isFinished: boolean): void {
    const rest = this.text.slice(this.#frozenChars);
    // Only whole lines decide where a block ends: a lone `#` or `-` may still become something else.
    const settled = lastBlockStart(rest.slice(0, rest.lastIndexOf('\n') + 1));
    if (settled > 0) {
      this.#frozen.push(...this.#rendered(rest.slice(0, settled), true));
      this.#frozenChars += settled;
    }
    this.#tail = this.#rendered(this.text.slice(this.#frozenChars), isFinished);
  }

  #rendered(text: string, isComplete: boolean): Block[] {
    return renderBlocks(text, isComplete).map(block => ({
      ...block,
      start: block.start + this.#frozenChars,
    }));
  }
}
