/** The states that a run of the model left behind, for its drafter. */
import { Tensor } from 'onnxruntime-node';

/** Rows of a run's outputs, f32 [rows, n]: `hidden`, and `taps` where the body has them. */
type States = Record<'hidden' | 'taps', Tensor>;

/** The states of the last rows of a sequence that a run gave, by position. */
export class StateTail {
  #states: Partial<States> = {};
  #end = 0;

  /** `output` has the rows of the positions before `end`. */
  set({ hidden, taps }: Partial<States>, end: number): void {
    this.#states = { ...(hidden && { hidden }), ...(taps && { taps }) };
    this.#end = end;
  }

  /** Position of the first row that is kept. */
  get first(): number {
    return this.#end - (this.#states.hidden?.dims[0] ?? 0);
  }

  /** Position behind the last row that is kept. */
  get end(): number {
    return this.#end;
  }

  /** f32 [count, n] each, of the positions from `position` on, or null if not all of these rows are kept. */
  rows(position: number, count: number): Partial<States> | null {
    if (!this.#states.hidden || position < this.first || position + count > this.#end) return null;
    const from = position - this.first;
    const entries = Object.entries(this.#states).map(([name, tensor]) => [name, rowsOf(tensor, from, count)]);
    return Object.fromEntries(entries);
  }
}

/** Rows `first .. first + count` of f32 [rows, n], without a copy. */
export function rowsOf(tensor: Tensor, first: number, count: number): Tensor {
  const [rows = 0, width = 0] = tensor.dims;
  if (first === 0 && count === rows) return tensor;
  const data = (tensor.data as Float32Array<ArrayBuffer>).subarray(first * width, (first + count) * width);
  return new Tensor('float32', data, [count, width]);
}
