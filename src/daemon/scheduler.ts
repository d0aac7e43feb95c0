/**
 * Who may use the engine. One request runs at a time; completion goes before chat, chat before background, and what nobody
 * asked for comes last: suggestions written ahead, then idle work. A running request of a lower lane is held at its next
 * `turn()` while a higher one runs, and then goes on. Suggestions written ahead are given up for a chat and background work
 * instead, and not begun beside them: a keystroke that waits for one would wait for all of those.
 *
 * Two rules keep sequences (KV caches) whole:
 * - a newer completion of the same sequence replaces an older one, waiting or running: only the newest is of use. So it
 *   does with idle work, which reads ahead for it, and so does newer idle work with older;
 * - a request does not start on a sequence that a held request is using; instead the held one goes first, in the lane
 *   of the one that waits for it.
 */
import type { Clock } from '../base/clock.ts';
import { Deferred } from '../base/deferred.ts';
import { cancelled, MoebiusError } from '../base/errors.ts';

export type Lane = 'completion' | 'chat' | 'background' | 'ahead' | 'idle';
const RANK: Record<Lane, number> = { completion: 0, chat: 1, background: 2, ahead: 3, idle: 4 };
/** Lanes whose requests a newer one of the same sequence makes useless, by the lane of the newer one. */
const REPLACED: Record<Lane, readonly Lane[]> = {
  completion: ['completion', 'ahead', 'idle'],
  ahead: ['ahead', 'idle'],
  idle: ['idle'],
  chat: [],
  background: [],
};
/** Lanes that nothing is written ahead beside. */
const takesAll = (lane: Lane): boolean => lane === 'chat' || lane === 'background';

/** Requests that may wait; more than this is a client gone wild. */
const MAX_WAITING = 64;

export interface Job<T> {
  lane: Lane;
  sequence: string;
  signal: AbortSignal;
  /** How many requests are before this one; told when it starts to wait and whenever that changes. */
  onQueued?(position: number): void;
  run(slot: Slot): Promise<T>;
}

/** What a running job holds. */
export interface Slot {
  /** Aborts with the request's own signal, or when a newer request replaces it. */
  readonly signal: AbortSignal;
  /** To be awaited between two steps of work; rejects with `cancelled`. */
  turn(): Promise<void>;
  /** Time spent waiting so far, before the start and in `turn`, ms. */
  readonly waitedMs: number;
}

type State = 'queued' | 'running' | 'held';

interface Entry {
  readonly job: Job<unknown>;
  readonly order: number;
  readonly abort: AbortController;
  state: State;
  /** Pending while `queued` or `held`. */
  go: Deferred<void>;
  readonly ended: Deferred<void>;
  waitingSince: number;
  waitedMs: number;
  position: number;
}

export class Scheduler {
  readonly #clock: Clock;
  /** Every request that has not ended. */
  readonly #entries = new Set<Entry>();
  #order = 0;
  #onChange: () => void;

  constructor(clock: Clock, onChange: () => void = () => undefined) {
    this.#clock = clock;
    this.#onChange = onChange;
  }

  /** Requests that wait, held ones included. */
  get waiting(): number {
    return [...this.#entries].filter(entry => entry.state !== 'running').length;
  }

  get isIdle(): boolean {
    return this.#entries.size === 0;
  }

  /**
   * Runs the job when its time comes. Rejects with `cancelled` when its signal aborts first, a newer completion replaces it
   * or it is given up, with `busy` when too many wait, else settles as `job.run` does.
   */
  async run<T>(job: Job<T>): Promise<T> {
    if (job.signal.aborted || (job.lane === 'ahead' && this.#isTaken())) throw cancelled();
    this.#replaceOlder(job);
    if (this.waiting >= MAX_WAITING) {
      throw new MoebiusError(
        'busy',
        `${MAX_WAITING} requests are waiting already; try again when some are done.`,
      );
    }
    const entry = this.#enter(job);
    const onAbort = () => this.#cancel(entry, cancelled());
    job.signal.addEventListener('abort', onAbort, { once: true });
    try {
      this.#dispatch();
      await entry.go.promise;
      const result = await job.run(this.#slot(entry));
      entry.abort.signal.throwIfAborted();
      return result;
    } catch (error) {
      // The reason the scheduler gave is better than whatever the interrupted work made of it.
      throw entry.abort.signal.aborted ? entry.abort.signal.reason : error;
    } finally {
      job.signal.removeEventListener('abort', onAbort);
      this.#entries.delete(entry);
      entry.ended.resolve();
      this.#dispatch();
    }
  }

  /** Cancels everything that is here now with `reason` and resolves when all of it has ended. */
  async drain(reason: MoebiusError): Promise<void> {
    const entries = [...this.#entries];
    for (const entry of entries) this.#cancel(entry, reason);
    await Promise.all(entries.map(entry => entry.ended.promise));
  }

  #enter(job: Job<unknown>): Entry {
    const entry: Entry = {
      job,
      order: this.#order++,
      abort: new AbortController(),
      state: 'queued',
      go: new Deferred(),
      ended: new Deferred(),
      waitingSince: this.#clock.now(),
      waitedMs: 0,
      position: -1,
    };
    entry.go.promise.catch(() => undefined);
    this.#entries.add(entry);
    return entry;
  }

  #slot(entry: Entry): Slot {
    return {
      signal: entry.abort.signal,
      turn: () => this.#turn(entry),
      get waitedMs() {
        return entry.waitedMs;
      },
    };
  }

  async #turn(entry: Entry): Promise<void> {
    if (entry.abort.signal.aborted) throw entry.abort.signal.reason;
    if (next(this.#entries) === entry) return;
    entry.state = 'held';
    entry.go = new Deferred();
    entry.waitingSince = this.#clock.now();
    this.#dispatch();
    await entry.go.promise;
  }

  #isTaken(): boolean {
    return [...this.#entries].some(({ job, abort }) => takesAll(job.lane) && !abort.signal.aborted);
  }

  #replaceOlder({ lane, sequence }: Job<unknown>): void {
    const reason = new MoebiusError('cancelled', 'A newer request replaced this one.');
    for (const entry of [...this.#entries]) {
      const { job } = entry;
      const isUseless = job.sequence === sequence && REPLACED[lane].includes(job.lane);
      if (isUseless || (job.lane === 'ahead' && takesAll(lane))) this.#cancel(entry, reason);
    }
  }

  #cancel(entry: Entry, reason: MoebiusError): void {
    if (entry.abort.signal.aborted) return;
    entry.abort.abort(reason);
    // A running one stops at its next turn; its place is free when its promise has settled.
    if (entry.state !== 'running') entry.go.reject(reason);
  }

  /** Lets the best request run if none does, and tells the others their position. */
  #dispatch(): void {
    const isBusy = [...this.#entries].some(entry => entry.state === 'running');
    const best = isBusy ? null : next(this.#entries);
    if (best) {
      best.state = 'running';
      best.waitedMs += this.#clock.now() - best.waitingSince;
      best.go.resolve();
    }
    const queue = [...this.#entries].filter(entry => entry.state === 'queued').sort(compare);
    queue.forEach((entry, index) => {
      const position = index + 1;
      if (position === entry.position) return;
      entry.position = position;
      entry.job.onQueued?.(position);
    });
    this.#onChange();
  }
}

/** The request that should run now, among all that have not ended; null when there is none that can. */
function next(entries: Iterable<Entry>): Entry | null {
  const all = [...entries];
  for (const best of all.filter(isAlive).sort(compare)) {
    if (best.state !== 'queued') return best;
    const user = all.find(entry => entry.state !== 'queued' && entry.job.sequence === best.job.sequence);
    if (!user) return best;
    // A cancelled user is still putting its sequence in order: neither it nor the one that waits for it can run.
    if (isAlive(user)) return user;
  }
  return null;
}

/** A running request is alive until its promise settles, even when it has been told to stop. */
const isAlive = (entry: Entry): boolean => entry.state === 'running' || !entry.abort.signal.aborted;

/** Lane first; within the completion lane the newest, elsewhere the one that came first. */
function compare(a: Entry, b: Entry): number {
  const lanes = RANK[a.job.lane] - RANK[b.job.lane];
  if (lanes !== 0) return lanes;
  // What has started is finished first, so that two requests of one lane never alternate.
  const started = Number(a.state === 'queued') - Number(b.state === 'queued');
  if (started !== 0) return started;
  return a.job.lane === 'completion' ? b.order - a.order : a.order - b.order;
}
