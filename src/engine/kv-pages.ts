/**
 * Keys and values that outlive their sequence. The engine gives them out in pages and asks for them before it reads a
 * prompt; who keeps them, and where, is not its business (the daemon does, in files: daemon/kv).
 */
import type { CachedRows } from './read-plan.ts';

/** Rows of a page: 7 MB of the 1.5B model, given out by the worker in some 20 ms, during which a request would wait. */
export const KV_PAGE_ROWS = 256;

/** A part of a cache, row by row: `type` numbers [rows, rowSize], little-endian. */
export interface KvBlock {
  /** As the cache calls it, e.g. `k.0`. */
  name: string;
  type: 'f32' | 'f16';
  rows: number;
  rowSize: number;
  data: Uint8Array;
}

/** Consecutive rows of a sequence. */
export interface KvPage extends CachedRows {
  blocks: KvBlock[];
}

/** A sequence that is worth keeping, as the request with this lease left it. */
export interface KeptSequence extends CachedRows {
  lease: number;
}

/** What an engine is given to find pages of its own model again. */
export interface SavedKv {
  /**
   * The pages that hold most leading rows of `prompt`, each row read by at least `experts(row)` experts; null if none does.
   * Never rejects: what can't be read is not there.
   */
  find(prompt: readonly number[], experts: (row: number) => number): Promise<FoundKv | null>;
}

export interface FoundKv {
  /** Leading rows of the prompt that they hold. */
  rows: number;
  /** From row 0 on, each but the last with KV_PAGE_ROWS rows. Ends early where a page can't be read. */
  pages(): AsyncIterable<KvPage>;
}
