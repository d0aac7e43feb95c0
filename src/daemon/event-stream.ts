/**
 * The events of one request on their way to the client. The engine reports them without waiting, so the waiting is done
 * here: one write at a time; what comes meanwhile is merged (text joined, only the newest progress kept), and `drained`
 * is awaited before the engine's next step. A client that does not read slows the request and never fills memory.
 */
import type { GenerateEvent } from '../protocol/daemon.ts';

export class EventStream {
  readonly #send: (event: GenerateEvent) => Promise<void>;
  #waiting: GenerateEvent[] = [];
  #writing: Promise<void> | null = null;

  constructor(send: (event: GenerateEvent) => Promise<void>) {
    this.#send = send;
  }

  readonly push = (event: GenerateEvent): void => {
    const last = this.#waiting.at(-1);
    if (last && 'text' in last && 'text' in event && last.type === event.type) {
      this.#waiting[this.#waiting.length - 1] = { type: event.type, text: last.text + event.text };
    } else if (last && last.type === event.type && event.type !== 'call') {
      this.#waiting[this.#waiting.length - 1] = event;
    } else {
      this.#waiting.push(event);
    }
    this.#writing ??= this.#writeAll();
  };

  /** Resolves when everything pushed so far was taken by the connection. */
  async drained(): Promise<void> {
    await this.#writing;
  }

  async #writeAll(): Promise<void> {
    for (let event = this.#waiting.shift(); event; event = this.#waiting.shift()) await this.#send(event);
    this.#writing = null;
  }
}
