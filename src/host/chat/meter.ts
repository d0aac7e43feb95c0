/** Tokens that the next message would send, counted by the model when it is loaded and estimated when it is not. */
import type { Backend } from '../../backends/backend.ts';
import type { ChatMessage } from '../../protocol/daemon.ts';
import type { Meter } from '../../protocol/webview.ts';
import { CHARS_PER_TOKEN } from './attachment-rules.ts';

/** Counting reads the whole conversation, so it waits for a pause in the typing. */
const PAUSE_MS = 300;

export interface MeterPorts {
  count: Backend['count'];
  /** Whether counting costs nothing but the counting: the model is loaded and not busy with this chat. */
  canCount(): boolean;
  messages(): ChatMessage[];
  windowTokens(): number | null;
  reusedTokens(): number;
  show(meter: Meter | null): void;
}

export class ContextMeter {
  readonly #ports: MeterPorts;
  #timer: NodeJS.Timeout | undefined;
  #round = 0;

  constructor(ports: MeterPorts) {
    this.#ports = ports;
  }

  /** Counts again after a pause. */
  touch(): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => void this.update(), PAUSE_MS);
  }

  dispose(): void {
    clearTimeout(this.#timer);
    this.#round++;
  }

  async update(): Promise<void> {
    const round = ++this.#round;
    const windowTokens = this.#ports.windowTokens();
    if (windowTokens === null) return this.#ports.show(null);
    const messages = this.#ports.messages();
    const counted = this.#ports.canCount() ? await this.#count(messages) : null;
    if (round !== this.#round) return;
    const chars = messages.reduce((sum, message) => sum + message.content.length, 0);
    this.#ports.show({
      usedTokens: counted ?? Math.ceil(chars / CHARS_PER_TOKEN),
      windowTokens,
      reusedTokens: this.#ports.reusedTokens(),
      exact: counted !== null,
    });
  }

  async #count(messages: ChatMessage[]): Promise<number | null> {
    // A failure shows itself where it matters, when the message is sent.
    return this.#ports.count({ messages }).then(
      result => result.tokens,
      () => null,
    );
  }
}
