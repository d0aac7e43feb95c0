/** Solves a @ x = b for a symmetric positive definite `a`, in double precision. */

/**
 * `a` [n, n] (its lower triangle is read and overwritten), `b` [n, columns] (overwritten with x).
 * Throws RangeError if `a` is not positive definite.
 */
export function solveInPlace(a: Float64Array, b: Float64Array, columns: number): void {
  const n = Math.sqrt(a.length);
  factor(a, n);
  for (let row = 0; row < n; row++) eliminate(a[row * n + row]!, row, 0, row, i => a[row * n + i]!);
  for (let row = n - 1; row >= 0; row--) eliminate(a[row * n + row]!, row, row + 1, n, i => a[i * n + row]!);

  /** b[row] = (b[row] - sum over i in from..to of weight(i) b[i]) / diagonal */
  function eliminate(diagonal: number, row: number, from: number, to: number, weight: (i: number) => number) {
    for (let i = from; i < to; i++) {
      const factor = weight(i);
      for (let column = 0; column < columns; column++)
        b[row * columns + column]! -= factor * b[i * columns + column]!;
    }
    for (let column = 0; column < columns; column++) b[row * columns + column]! /= diagonal;
  }
}

/** Lower triangle of `a` [n, n] becomes L with L L^T = a. */
function factor(a: Float64Array, n: number): void {
  for (let row = 0; row < n; row++) {
    const left = a.subarray(row * n, row * n + n);
    for (let column = 0; column <= row; column++) {
      const right = a.subarray(column * n, column * n + n);
      let sum = left[column]!;
      for (let i = 0; i < column; i++) sum -= left[i]! * right[i]!;
      if (column < row) left[column] = sum / right[column]!;
      else if (sum > 0) left[column] = Math.sqrt(sum);
      else throw new RangeError('the matrix is not positive definite');
    }
  }
}
