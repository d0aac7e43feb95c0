/** What `status` and `status/changed` say, put together from the parts that know. */
import type { Clock } from '../base/clock.ts';
import type { DaemonPhase, GenerateEvent, StatusResult } from '../protocol/daemon.ts';
import { readMemory } from './memory.ts';
import type { Residency } from './residency.ts';
import type { Scheduler } from './scheduler.ts';

export class StatusBoard {
  readonly #clock: Clock;
  readonly #scheduler: Pick<Scheduler, 'waiting' | 'isIdle'>;
  readonly #residency: Pick<Residency, 'loaded' | 'loading'>;
  readonly #startedAt: number;
  #work: 'reading' | 'writing' = 'reading';

  constructor(parts: {
    clock: Clock;
    scheduler: Pick<Scheduler, 'waiting' | 'isIdle'>;
    residency: Pick<Residency, 'loaded' | 'loading'>;
  }) {
    this.#clock = parts.clock;
    this.#scheduler = parts.scheduler;
    this.#residency = parts.residency;
    this.#startedAt = parts.clock.now();
  }

  /** Told every event of the running request. */
  note(event: GenerateEvent): void {
    if (event.type === 'prefill') this.#work = 'reading';
    if (event.type === 'text' || event.type === 'reasoning') this.#work = 'writing';
  }

  read(): StatusResult {
    const { loaded, loading } = this.#residency;
    const sequences = loaded?.sequences() ?? [];
    return {
      phase: this.#phase(),
      model: loading?.model ?? loaded?.info().id ?? null,
      loadPercent: loading?.percent ?? null,
      queued: this.#scheduler.waiting,
      uptimeMs: Math.round(this.#clock.now() - this.#startedAt),
      memory: readMemory(sequences.reduce((sum, sequence) => sum + sequence.bytes, 0)),
      sequences,
      speed: loaded?.speed() ?? { prefillTokensPerSecond: null, decodeTokensPerSecond: null },
    };
  }

  #phase(): DaemonPhase {
    if (this.#residency.loading) return 'loading';
    if (!this.#residency.loaded) return 'no-model';
    return this.#scheduler.isIdle ? 'idle' : this.#work;
  }
}
