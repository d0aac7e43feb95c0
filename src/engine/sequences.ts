/** Named KV sequences on one copy of the weights: who may use which, and which go when memory runs short. */
import type { CachedRows } from './read-plan.ts';

/**
 * Keys and values of all sequences together, of a machine's memory: an eighth, so that weights, editor and a browser have
 * the rest. 8 GB give one full context of 16,384 tokens of the 1.5B model. What is evicted can be restored from disk.
 */
const SHARE_OF_MEMORY = 8;
const MAX_BUDGET_BYTES = 4 * 1024 ** 3;

export const kvBudgetBytes = (memoryBytes: number): number =>
  Math.min(memoryBytes / SHARE_OF_MEMORY, MAX_BUDGET_BYTES);

export class Sequence implements CachedRows {
  readonly key: number;
  readonly name: string;
  tokens: number[] = [];
  experts: number[] = [];
  capacityRows = 0;
  bytes = 0;
  isLeased = false;
  /** Number of its last lease: tells whether it was used since. */
  lease = 0;
  /** Its rows are worth saving: a conversation's, not ghost text's. */
  isKept = false;

  constructor(key: number, name: string) {
    this.key = key;
    this.name = name;
  }

  truncate(rows: number): void {
    this.tokens.length = Math.min(this.tokens.length, rows);
    this.experts.length = this.tokens.length;
  }

  append(tokens: readonly number[], experts: number): void {
    for (const token of tokens) {
      this.tokens.push(token);
      this.experts.push(experts);
    }
  }

  appendRows({ tokens, experts }: CachedRows): void {
    this.tokens.push(...tokens);
    this.experts.push(...experts);
  }
}

export class Sequences {
  readonly #budgetBytes: number;
  readonly #drop: (key: number) => void;
  /** Least recently used first. */
  readonly #byName = new Map<string, Sequence>();
  #nextKey = 1;
  #leases = 0;

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
    sequence.lease = ++this.#leases;
    return sequence;
  }

  release(sequence: Sequence): void {
    sequence.isLeased = false;
    this.evict();
  }

  /**
   * Drops sequences that nobody uses, the longest unused first, until the rest fits the budget. The conversation and the other
   * sequence that were used last stay even where they don't: they are wanted next, and what is dropped now was never saved.
   */
  evict(): void {
    const all = this.list();
    const last = [all.findLast(({ isKept }) => isKept), all.findLast(({ isKept }) => !isKept)];
    let bytes = all.reduce((sum, sequence) => sum + sequence.bytes, 0);
    for (const sequence of all) {
      if (bytes <= this.#budgetBytes) return;
      if (sequence.isLeased || last.includes(sequence)) continue;
      this.#byName.delete(sequence.name);
      this.#drop(sequence.key);
      bytes -= sequence.bytes;
    }
  }

  list(): Sequence[] {
    return [...this.#byName.values()];
  }
}
