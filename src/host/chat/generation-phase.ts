/** What the line above the input says while the model reads, thinks and writes. */
import type { GenerateEvent } from '../../protocol/daemon.ts';
import type { Phase } from '../../protocol/webview.ts';
import { SpeedGauge } from './speed-gauge.ts';

export class GenerationPhase {
  readonly #speed = new SpeedGauge();
  /** Of what the model thought before its answer. */
  #thoughtWords = 0;

  /** The phase after this event; null when there is nothing new to show. */
  after(event: GenerateEvent): Phase | null {
    switch (event.type) {
      case 'queued':
        return { kind: 'queued', position: event.position };
      case 'prefill':
        return { kind: 'reading', done: event.done, total: event.total, reused: event.reused };
      case 'usage':
        this.#speed.measured(event.decodeTokensPerSecond);
        return null;
      case 'reasoning':
        this.#thoughtWords += event.text.match(/\S+/g)?.length ?? 0;
        return this.#speed.tick() ? { kind: 'thinking', words: this.#thoughtWords } : null;
      case 'text':
        return this.#speed.tick() ? { kind: 'writing', tokensPerSecond: this.#speed.tokensPerSecond } : null;
      case 'call':
        return null;
    }
  }
}
