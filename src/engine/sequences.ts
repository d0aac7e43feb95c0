/** Named KV sequences on one copy of the weights: who may use which, and which go when memory runs short. */
import { ALL_EXPERTS, type CachedRows } from './read-plan.ts';

export class Sequence implements CachedRows {
  readonly key: number;
  readonly name: string;
  tokens: number[] = [];
  experts: number[] = [];
  capacityRows = 0;
  bytes = 0;
  isLeased = false;

  constructor(key: number, name: string) {
    this.key = key;
    this.name = name;
  }

  truncate(rows: number): void {
    this.tokens.length = Math.min(this.tokens.length, rows);
    this.experts.length = this.tokens.length;
  }

  append(tokens: readonly number[], experts: number | null): void {
    for (const token of tokens) {
      this.tokens.push(token);
      this.experts.push(experts ?? ALL_EXPERTS);
    }
  }
}

export class Sequences {
  readonly #budgetBytes: number;
  readonly #drop: (key: number) => void;
  /** Least recently used first. */
  readonly #byName = new Map<string, Sequence>();
  #nextKey = 1;

  /** `drop` frees the cache of a sequence that was evicted. */
  constructor(budgetBytes: number, drop: (key: number) => void) {
    this.#budgetBytes = budgetBytes;
    this.#drop = drop;
  }

  /**
   * The sequence `name` for one request alone, until `release`. While another request has it (one that is held back by
   * the scheduler, say), a second of its kind is given out instead of waiting: waiting for the one held back would last forever.
   */
  lease(name: string): Sequence {
    let free = name;
    for (let n = 2; this.#byName.get(free)?.isLeased; n++) free = `${name} ${n}`;
    const sequence = this.#byName.get(free) ?? new Sequence(this.#nextKey++, free);
    this.#byName.delete(free);
    this.#byName.set(free, sequence);
    sequence.isLeased = true;
    return sequence;
  }

  release(sequence: Sequence): void {
    sequence.isLeased = false;
    this.evict();
  }

  /** Drops sequences that nobody uses, the longest unused first, until the rest fits the budget. */
  evict(): void {
    let bytes = 0;
    for (const sequence of this.#byName.values()) bytes += sequence.bytes;
    for (const sequence of this.#byName.values()) {
      if (bytes <= this.#budgetBytes) return;
      if (sequence.isLeased) continue;
      this.#byName.delete(sequence.name);
      this.#drop(sequence.key);
      bytes -= sequence.bytes;
    }
  }

  list(): Sequence[] {
    return [...this.#byName.values()];
  }
}
