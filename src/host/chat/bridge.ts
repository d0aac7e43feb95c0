/**
 * The way to the page: ordered, with streamed text joined for some 20 ms. While there is no page (hidden, reloading)
 * messages are dropped; a page that comes up is sent everything from the transcript.
 */
import type { HostMessage } from '../../protocol/webview.ts';
import { TextCoalescer } from './text-coalescer.ts';

/** One screen frame or two: quicker can't be seen, and each delivery costs the page a layout. */
const TEXT_DELAY_MS = 20;

export class Bridge {
  #deliver: ((message: HostMessage) => void) | null = null;
  readonly #text = new TextCoalescer(TEXT_DELAY_MS, (id, text) =>
    this.#deliver?.({ type: 'text', id, text }),
  );

  /** A page is there. What was on its way to an earlier one is forgotten. */
  connect(deliver: (message: HostMessage) => void): void {
    this.#text.discard();
    this.#deliver = deliver;
  }

  disconnect(): void {
    this.#text.discard();
    this.#deliver = null;
  }

  get isConnected(): boolean {
    return this.#deliver !== null;
  }

  post(message: HostMessage): void {
    if (message.type === 'text') {
      this.#text.add(message.id, message.text);
      return;
    }
    // `open` already holds the text that waits.
    if (message.type === 'open') this.#text.discard();
    else this.#text.flush();
    this.#deliver?.(message);
  }
}
