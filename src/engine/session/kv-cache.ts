/**
 * Keys and values of one sequence: per layer two f32 buffers [1, KV, capacity, D] that the graphs read as `past_k.{i}` and
 * `past_v.{i}`, and the mask that tells valid rows from room to grow. The graphs return only new rows; they are copied in.
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

/** Capacity grows in these steps: unused rows cost attention time, growing costs a move of the rows. */
const BLOCK_ROWS = 256;
/** What a score gets where there is no row (docs/engine.md). */
export const MASKED = -1e30;

export class KvCache {
  /** Rows that are valid. */
  length = 0;
  /** Rows of the layout the graphs see, a multiple of 256 (or the largest context). */
  capacity = 0;
  /** Inputs of a run: past_k.{i} and past_v.{i} f32 [1, KV, capacity, D], mask_past f32 [1, 1, 1, capacity]. */
  readonly feeds: Record<string, Tensor> = {};
  readonly #dims: KvDims;
  readonly #maxRows: number;
  /** Rows the buffers have room for; doubles, so that growing to the full context copies every row about once. */
  #allocated = 0;
  /** Keys of layer i at 2 i, values at 2 i + 1: f32 [KV * allocated * D], laid out as [KV, capacity, D]. */
  #buffers: Float32Array[] = [];
  /** 0 for rows < length, MASKED behind: f32 [capacity]. */
  #mask = new Float32Array(0);

  constructor(dims: KvDims, maxRows: number) {
    this.#dims = dims;
    this.#maxRows = maxRows;
    this.#buffers = Array.from({ length: 2 * dims.layers }, () => new Float32Array(0));
    this.reserve(1);
  }

  get bytes(): number {
    const { layers, kvHeads, headDim } = this.#dims;
    return 2 * layers * kvHeads * headDim * this.#allocated * Float32Array.BYTES_PER_ELEMENT;
  }

  /** Makes room for `rows` rows in all. */
  reserve(rows: number): void {
    if (rows <= this.capacity) return;
    const capacity = Math.min(this.#maxRows, Math.ceil(rows / BLOCK_ROWS) * BLOCK_ROWS);
    const allocated =
      capacity <= this.#allocated
        ? this.#allocated
        : Math.min(this.#maxRows, Math.max(capacity, 2 * this.#allocated));
    const { kvHeads, headDim } = this.#dims;
    this.#buffers.forEach((buffer, i) => {
      const moved = allocated === this.#allocated ? buffer : allocate(kvHeads * allocated * headDim);
      // From the last head down, because in place a head's new home overlaps the next head's old one.
      for (let head = kvHeads - 1; head >= 0; head--) {
        const from = head * this.capacity * headDim;
        const rows = buffer.subarray(from, from + this.length * headDim);
        moved.set(rows, head * capacity * headDim);
      }
      this.#buffers[i] = moved;
      const view = moved.subarray(0, kvHeads * capacity * headDim);
      this.feeds[`past_${i % 2 === 0 ? 'k' : 'v'}.${i >> 1}`] = new Tensor('float32', view, [
        1,
        kvHeads,
        capacity,
        headDim,
      ]);
    });
    this.capacity = capacity;
    this.#allocated = allocated;
    this.#mask = new Float32Array(capacity).fill(MASKED);
    this.#mask.fill(0, 0, this.length);
    this.feeds.mask_past = new Tensor('float32', this.#mask, [1, 1, 1, capacity]);
  }

  /** Forgets all rows from `rows` on. */
  truncate(rows: number): void {
    if (rows >= this.length) return;
    this.#mask.fill(MASKED, rows, this.length);
    this.length = rows;
  }

  /** Appends `count` rows; `output` holds new_k.{i} and new_v.{i}, f32 [1, KV, count, D]. Room must have been reserved. */
  append(output: Record<string, Tensor>, count: number): void {
    const { layers, kvHeads, headDim } = this.#dims;
    const size = count * headDim;
    for (let layer = 0; layer < layers; layer++) {
      const keys = output[`new_k.${layer}`]!.data as Float32Array;
      const values = output[`new_v.${layer}`]!.data as Float32Array;
      for (let head = 0; head < kvHeads; head++) {
        const at = (head * this.capacity + this.length) * headDim;
        this.#buffers[2 * layer]!.set(keys.subarray(head * size, (head + 1) * size), at);
        this.#buffers[2 * layer + 1]!.set(values.subarray(head * size, (head + 1) * size), at);
      }
    }
    this.#mask.fill(0, this.length, this.length + count);
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
