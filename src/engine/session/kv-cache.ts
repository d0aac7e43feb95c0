/**
 * What a sequence remembers: for each `past_...` input of the graphs one f32 buffer of rows, a row a token. Attention reads
 * keys and values of all rows or of its window, a convolution those of the last few; the graphs return only new rows, which
 * are copied in behind. So any number of rows can be forgotten, and what is left is what it would be without them.
 */
import { Tensor } from 'onnxruntime-node';
import { MoebiusError } from '../../base/errors.ts';
import type { KvBlock } from '../kv-pages.ts';
import type { GraphInput } from './graph-session.ts';
import { packRows, unpackRows } from './kv-blocks.ts';

export interface CacheLayout {
  /** Input of the graphs, and the output whose rows are appended to it. */
  input: string;
  output: string;
  /** Of one row. */
  rowShape: readonly number[];
  /** Which rows a run is given: all, those of the sliding window, or the last so many (before the first: zeros). */
  seen: 'all' | 'window' | number;
}

const PAST = 'past_';

/** Reads the layout off the graph's inputs `past_{what}.{layer}`: [past | window | number, ...shape of a row]. */
export function cacheLayouts(inputs: readonly GraphInput[]): CacheLayout[] {
  return inputs
    .filter(({ name }) => name.startsWith(PAST))
    .map(({ name, shape: [rows, ...rowShape] }) => ({
      input: name,
      output: `new_${name.slice(PAST.length)}`,
      rowShape: rowShape as number[],
      seen: typeof rows === 'number' ? rows : rows === 'window' ? 'window' : 'all',
    }));
}

/** Buffers grow by whole blocks of so many rows, as many as half of what they have: a third of them is spare at most, and growing copies a row about twice. */
const BLOCK_ROWS = 256;

export class KvCache {
  /** Rows that are valid. */
  length = 0;
  /** Rows the buffers have room for. */
  capacity = 0;
  readonly #layouts: readonly CacheLayout[];
  readonly #maxRows: number;
  /** Rows a windowed layer is given at most. */
  readonly #window: number;
  /** One for each layout: f32 [padding + capacity, ...row], or more rows where growing has failed. */
  readonly #buffers: Float32Array[];

  constructor(layouts: readonly CacheLayout[], maxRows: number, slidingWindow = Number.POSITIVE_INFINITY) {
    this.#layouts = layouts;
    this.#maxRows = maxRows;
    // The window counts the current position.
    this.#window = Math.max(1, slidingWindow - 1);
    this.#buffers = layouts.map(layout => new Float32Array(padding(layout) * rowSize(layout)));
    this.reserve(1);
  }

  get bytes(): number {
    return this.#buffers.reduce((sum, buffer) => sum + buffer.byteLength, 0);
  }

  /** Rows that attention is given: an empty cache has one of no meaning, which is to be masked (docs/engine.md). */
  get pastRows(): number {
    return Math.max(this.length, 1);
  }

  /** The same for layers with a sliding window. */
  get windowRows(): number {
    return Math.min(this.pastRows, this.#window);
  }

  /** Inputs of a run by name, f32 [rows, ...row]: views, valid until the next `reserve`. */
  feeds(): Record<string, Tensor> {
    const feeds: Record<string, Tensor> = {};
    for (const [i, layout] of this.#layouts.entries()) {
      const { first, count } = this.#seen(layout);
      const size = rowSize(layout);
      const view = this.#buffers[i]!.subarray(first * size, (first + count) * size);
      feeds[layout.input] = new Tensor('float32', view, [count, ...layout.rowShape]);
    }
    return feeds;
  }

  /** Makes room for `rows` rows in all. Throws `out-of-memory`; the cache is then as it was. */
  reserve(rows: number): void {
    if (rows <= this.capacity) return;
    const capacity = Math.min(this.#maxRows, Math.max(rows, this.capacity + growth(this.capacity)));
    for (const [i, layout] of this.#layouts.entries()) {
      const before = padding(layout);
      const grown = allocate((before + capacity) * rowSize(layout));
      grown.set(this.#buffers[i]!.subarray(0, (before + this.length) * rowSize(layout)));
      // At once, so that the old and the new ones are never all held together.
      this.#buffers[i] = grown;
    }
    this.capacity = capacity;
  }

  /** Forgets all rows from `rows` on. */
  truncate(rows: number): void {
    this.length = Math.min(this.length, rows);
  }

  /** Appends `count` rows, f32 [count, ...row] by output; room must have been reserved. */
  append(output: Record<string, Tensor>, count: number): void {
    for (const [i, layout] of this.#layouts.entries()) {
      const at = (padding(layout) + this.length) * rowSize(layout);
      this.#buffers[i]!.set(output[layout.output]!.data as Float32Array, at);
    }
    this.length += count;
  }

  /** Copies of the rows from..to of every buffer, named as its input without `past_`. */
  export(from: number, to: number): KvBlock[] {
    return this.#layouts.map((layout, i) => {
      const [before, size] = [padding(layout), rowSize(layout)];
      const rows = this.#buffers[i]!.subarray((before + from) * size, (before + to) * size);
      return packRows(nameOf(layout), rows, size);
    });
  }

  /**
   * Appends the first `count` rows of blocks that `export` gave. Room must have been reserved. Throws `format-invalid` if
   * they are no such blocks of this model; the cache is then as it was.
   */
  import(blocks: readonly KvBlock[], count: number): void {
    for (const [i, layout] of this.#layouts.entries()) {
      const size = rowSize(layout);
      const at = (padding(layout) + this.length) * size;
      this.#buffers[i]!.set(unpackRows(blocks[i], nameOf(layout), count, size), at);
    }
    this.length += count;
  }

  #seen(layout: CacheLayout): { first: number; count: number } {
    if (layout.seen === 'all') return { first: 0, count: this.pastRows };
    if (layout.seen === 'window') return { first: this.pastRows - this.windowRows, count: this.windowRows };
    return { first: this.length, count: layout.seen };
  }
}

const growth = (capacity: number): number => BLOCK_ROWS * Math.max(1, Math.floor(capacity / 2 / BLOCK_ROWS));

const nameOf = ({ input }: CacheLayout): string => input.slice(PAST.length);

const rowSize = ({ rowShape }: CacheLayout): number => rowShape.reduce((product, size) => product * size, 1);

/** Rows of zeros before the first, for what always sees a fixed number of rows. */
const padding = ({ seen }: CacheLayout): number => (typeof seen === 'number' ? seen : 0);

function allocate(length: number): Float32Array {
  try {
    return new Float32Array(length);
  } catch (cause) {
    throw new MoebiusError(
      'out-of-memory',
      'There is not enough memory for a context this long. Use a smaller context, or close other programs.',
      { cause },
    );
  }
}
