/**
 * The end of a prompt, written once more. Text that is cut inside a word ends in tokens that no text the model learned from
 * has there (`retu` before `rn`), and is continued badly. So the last word is left out of the prompt and the first tokens
 * written are held to it: "token healing", https://github.com/guidance-ai/guidance.
 */
import type { Tokenizer } from './tokenizer.ts';

/**
 * The last word with the one character before it that tokens of words begin with: a blank, a dot, a bracket. Or the last operator
 * with the blank before it, which belongs to its token: `x ` is not followed by `=` in what a model has read, and behind such a `=`
 * it leaves the next blank out.
 */
const LAST_WORD = /(?: [^\s\p{L}\p{N}_]{1,3}|[^\r\n\p{L}\p{N}]?[\p{L}\p{N}_]*)$/u;
/** A longer word is data; of that much the expression is sure to be quick. */
const LONGEST_WORD = 64;

/** `text` in two: what is read, and what is held. */
export function holdLastWord(text: string): [read: string, held: string] {
  const [held] = LAST_WORD.exec(text.slice(-LONGEST_WORD))!;
  return [text.slice(0, text.length - held.length), held];
}

export class HeldText {
  readonly #tokenizer: Tokenizer;
  /** UTF-8 that is still to be written. */
  #bytes: Uint8Array;
  /** Characters that are still to be cut off what is written. */
  #chars: number;

  constructor(tokenizer: Tokenizer, text: string) {
    this.#tokenizer = tokenizer;
    this.#bytes = new TextEncoder().encode(text);
    this.#chars = text.length;
  }

  /** `logits` f32 [>= vocab] in which only tokens that agree with the held text are left; overwrites the others. */
  limit(logits: Float32Array): Float32Array {
    if (this.#bytes.length === 0) return logits;
    for (let id = 0; id < this.#tokenizer.size; id++)
      if (!this.#tokenizer.agrees(id, this.#bytes)) logits[id] = -Infinity;
    return logits;
  }

  /** Takes note of the chosen token and returns what of its `text` is new. */
  push(token: number, text: string): string {
    this.#bytes = this.#bytes.subarray(this.#tokenizer.bytesOf(token).length);
    const cut = Math.min(this.#chars, text.length);
    this.#chars -= cut;
    return text.slice(cut);
  }
}
