import type { Tokenizer } from './tokenizer.ts';

/**
 * Tokens in, whole characters out: bytes of a character that isn't complete yet are held back, so that a stream never
 * shows U+FFFD for a character cut in two. Bytes that can't become UTF-8 any more do turn into U+FFFD.
 */
export class TextStream {
  readonly #tokenizer: Tokenizer;
  readonly #decoder = new TextDecoder('utf-8', { ignoreBOM: true });

  constructor(tokenizer: Tokenizer) {
    this.#tokenizer = tokenizer;
  }

  /** Text that is complete after `id`; often empty, when the token ends inside a character. */
  push(id: number): string {
    return this.#decoder.decode(this.#tokenizer.bytesOf(id), { stream: true });
  }

  /** Ends the stream. The bytes of a character that never got complete are dropped: they show nothing. */
  end(): void {
    this.#decoder.decode();
  }
}
