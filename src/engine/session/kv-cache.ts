/**
 * Keys and values of one sequence: per layer two f32 buffers [rows, KV, D] that the graphs read as `past_k.{i}` and
 * `past_v.{i}`. The graphs see exactly the valid rows and return only new ones, which are copied in behind them.
 */
import { Tensor } from 'onnxruntime-node';
import { MoebiusError } from '../../base/errors.ts';

export interface KvDims {
  layers: number;
  /** KV: key/value heads. */
  kvHeads: number;
  /** D: numbers a head. */
  headDim: number;
}

/** Buffers start with room for so many rows and double, so that growing to the full context copies every row about once. */
const FIRST_ROWS = 256;

export class KvCache {
  /** Rows that are valid. */
  length = 0;
  /** Rows the buffers have room for. */
  capacity = 0;
  readonly #dims: KvDims;
  readonly #maxRows: number;
  /** Keys of layer i at 2 i, values at 2 i + 1: f32 [capacity, KV, D]. */
  #buffers: Float32Array[] = [];

  constructor(dims: KvDims, maxRows: number) {
    this.#dims = dims;
    this.#maxRows = maxRows;
    this.#buffers = Array.from({ length: 2 * dims.layers }, () => new Float32Array(0));
    this.reserve(1);
  }

  get bytes(): number {
    return this.#buffers.length * this.#rowSize * this.capacity * Float32Array.BYTES_PER_ELEMENT;
  }

  /** Rows that the graphs are given: an empty cache has one of no meaning, which is to be masked (docs/engine.md). */
  get pastRows(): number {
    return Math.max(this.length, 1);
  }

  get #rowSize(): number {
    return this.#dims.kvHeads * this.#dims.headDim;
  }

  /** Inputs past_k.{i} and past_v.{i} of a run, f32 [pastRows, KV, D]: views, valid until the next `reserve`. */
  feeds(): Record<string, Tensor> {
    const { kvHeads, headDim } = this.#dims;
    const rows = this.pastRows;
    const feeds: Record<string, Tensor> = {};
    this.#buffers.forEach((buffer, i) => {
      const view = buffer.subarray(0, rows * this.#rowSize);
      feeds[`past_${i % 2 === 0 ? 'k' : 'v'}.${i >> 1}`] = new Tensor('float32', view, [
        rows,
        kvHeads,
        headDim,
      ]);
    });
    return feeds;
  }

  /** Makes room for `rows` rows in all. */
  reserve(rows: number): void {
    if (rows <= this.capacity) return;
    const capacity = Math.min(this.#maxRows, Math.max(rows, FIRST_ROWS, 2 * this.capacity));
    this.#buffers = this.#buffers.map(buffer => {
      const grown = allocate(capacity * this.#rowSize);
      grown.set(buffer.subarray(0, this.length * this.#rowSize));
      return grown;
    });
    this.capacity = capacity;
  }

  /** Forgets all rows from `rows` on. */
  truncate(rows: number): void {
    this.length = Math.min(this.length, rows);
  }

  /** Appends `count` rows; `output` holds new_k.{i} and new_v.{i}, f32 of [count, KV, D]. Room must have been reserved. */
  append(output: Record<string, Tensor>, count: number): void {
    const at = this.length * this.#rowSize;
    for (let layer = 0; layer < this.#dims.layers; layer++) {
      this.#buffers[2 * layer]!.set(output[`new_k.${layer}`]!.data as Float32Array, at);
      this.#buffers[2 * layer + 1]!.set(output[`new_v.${layer}`]!.data as Float32Array, at);
    }
    this.length += count;
  }
}

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
