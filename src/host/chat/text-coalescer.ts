/**
 * Joins the small pieces of a streamed text, so that the page is not sent (and the disk not written) once per token.
 * Order is kept: whoever sends anything else calls `flush` first.
 */
export class TextCoalescer {
  readonly #delayMs: number;
  readonly #emit: (id: string, text: string) => void;
  #id = '';
  #text = '';
  #timer: NodeJS.Timeout | undefined;

  constructor(delayMs: number, emit: (id: string, text: string) => void) {
    this.#delayMs = delayMs;
    this.#emit = emit;
  }

  add(id: string, text: string): void {
    if (id !== this.#id) this.flush();
    this.#id = id;
    this.#text += text;
    this.#timer ??= setTimeout(() => this.flush(), this.#delayMs);
  }

  flush(): void {
    const text = this.#text;
    this.discard();
    if (text !== '') this.#emit(this.#id, text);
  }

  /** Forgets what waits. For a page that is about to be sent everything anyway. */
  discard(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#text = '';
  }
}
