/** The heavy products of calibration. convert only declares them; the CLI passes in onnxruntime's (engine/session). */

/** Row-major float32 [rows, columns]. */
export interface Matrix {
  rows: number;
  columns: number;
  values: Float32Array;
}

export interface TensorMath {
  /** a [m, k] @ b [k, n] -> [m, n] */
  times(a: Matrix, b: Matrix): Promise<Matrix>;
  /** a [m, k] @ b [n, k] transposed -> [m, n] */
  timesTransposed(a: Matrix, b: Matrix): Promise<Matrix>;
  /** a [k, m] transposed @ b [k, n] -> [m, n] */
  transposedTimes(a: Matrix, b: Matrix): Promise<Matrix>;
}

export function matrix(rows: number, columns: number, values?: Float32Array): Matrix {
  return { rows, columns, values: values ?? new Float32Array(rows * columns) };
}

export const rowOf = (from: Matrix, row: number): Float32Array =>
  from.values.subarray(row * from.columns, (row + 1) * from.columns);

/** Euclidean length of every row [rows]. */
export function rowNorms(of: Matrix): Float32Array {
  return Float32Array.from({ length: of.rows }, (_, row) => {
    let sum = 0;
    for (const value of rowOf(of, row)) sum += value * value;
    return Math.sqrt(sum);
  });
}

/** Adds `b` to `a`, value by value. */
export function addTo(a: Float32Array, b: Float32Array): void {
  for (let i = 0; i < a.length; i++) a[i]! += b[i]!;
}

/** Adds `bias` [columns] to every row. */
export function addToRows(to: Matrix, bias: Float32Array): void {
  for (let row = 0; row < to.rows; row++) addTo(rowOf(to, row), bias);
}

/** Running mean of squares of each column, over all matrices added. */
export class MeanSquares {
  readonly #sums: Float64Array;
  #rows = 0;

  constructor(columns: number) {
    this.#sums = new Float64Array(columns);
  }

  add(rows: Matrix): void {
    for (let row = 0; row < rows.rows; row++) {
      const values = rowOf(rows, row);
      for (let column = 0; column < values.length; column++)
        this.#sums[column]! += values[column]! * values[column]!;
    }
    this.#rows += rows.rows;
  }

  /** [columns] */
  mean(): Float32Array {
    return Float32Array.from(this.#sums, sum => sum / this.#rows);
  }
}
