/** Where a graph's weights come from: matrices [rows, cols] that can be read a few rows at a time. */

export interface MatrixSource {
  rows: number;
  cols: number;
  /** Storage type of the published file (`Q4_K`, `F32`, ...), `F32` for a matrix made here, `mixed` for a stack of several. */
  type: string;
  raw(rowStart: number, rowCount: number): Promise<Uint8Array>;
  values(rowStart: number, rowCount: number): Promise<Float32Array>;
  /** The matrices that a stack is made of, which may be stored in different types. */
  parts?: readonly MatrixSource[];
}

export function memoryMatrix(values: Float32Array, cols: number): MatrixSource {
  return {
    rows: values.length / cols,
    cols,
    type: 'F32',
    raw: () => Promise.reject(new Error('a matrix in memory has no stored form')),
    values: async (start, count) => values.subarray(start * cols, (start + count) * cols),
  };
}

/** Rows `from .. from + count` of `source`. */
export function rowsOf(source: MatrixSource, from: number, count: number): MatrixSource {
  return {
    rows: count,
    cols: source.cols,
    type: source.type,
    raw: (start, rows) => source.raw(from + start, rows),
    values: (start, rows) => source.values(from + start, rows),
  };
}

/** A matrix that has to be computed as a whole: when its first row is asked for; forgotten when its last one was. */
export function computedMatrix(
  rows: number,
  cols: number,
  compute: () => Promise<Float32Array>,
): MatrixSource {
  let whole: Promise<Float32Array> | null = null;
  return {
    rows,
    cols,
    type: 'F32',
    raw: () => Promise.reject(new Error('a computed matrix has no stored form')),
    values: async (start, count) => {
      whole ??= compute();
      const values = (await whole).slice(start * cols, (start + count) * cols);
      if (start + count === rows) whole = null;
      return values;
    },
  };
}

/** `source` times a number; itself for 1. */
export function scaled(source: MatrixSource, factor: number): MatrixSource {
  if (factor === 1) return source;
  return {
    rows: source.rows,
    cols: source.cols,
    type: 'F32',
    raw: () => Promise.reject(new Error('a scaled matrix is read as float32')),
    values: async (start, count) => (await source.values(start, count)).map(value => value * factor),
  };
}

/** Several matrices of the same width, one above the other. */
export function stacked(parts: readonly MatrixSource[]): MatrixSource {
  const { cols, type } = parts[0]!;
  return {
    rows: parts.reduce((sum, part) => sum + part.rows, 0),
    cols,
    type: parts.every(part => part.type === type) ? type : 'mixed',
    raw: () => Promise.reject(new Error('the parts of a stack are read one by one')),
    values: async (start, count) => {
      const out = new Float32Array(count * cols);
      let base = 0;
      for (const part of parts) {
        const from = Math.max(start, base);
        const to = Math.min(start + count, base + part.rows);
        if (from < to) out.set(await part.values(from - base, to - from), (from - start) * cols);
        base += part.rows;
      }
      return out;
    },
    parts,
  };
}

/** `source` with its rows in runs of `size`, the runs in the given order. */
export function permutedRows(source: MatrixSource, order: readonly number[], size: number): MatrixSource {
  const { cols } = source;
  return {
    rows: order.length * size,
    cols,
    type: source.type,
    raw: () => Promise.reject(new Error('a permuted matrix is read as float32')),
    values: async (start, count) => {
      const out = new Float32Array(count * cols);
      for (let row = 0; row < count; ) {
        const run = Math.floor((start + row) / size);
        const within = (start + row) % size;
        const taken = Math.min(size - within, count - row);
        out.set(await source.values(order[run]! * size + within, taken), row * cols);
        row += taken;
      }
      return out;
    },
  };
}

/** `source` with its columns in runs of `size`, the runs in the given order. */
export function permutedColumns(source: MatrixSource, order: readonly number[], size: number): MatrixSource {
  const columns = order.flatMap(run => Array.from({ length: size }, (_, i) => run * size + i));
  return {
    rows: source.rows,
    cols: columns.length,
    type: source.type,
    raw: () => Promise.reject(new Error('a permuted matrix is read as float32')),
    values: async (start, count) => pickColumns(await source.values(start, count), source.cols, columns),
  };
}

export function concatFloats(arrays: readonly Float32Array[]): Float32Array {
  const out = new Float32Array(arrays.reduce((sum, array) => sum + array.length, 0));
  let at = 0;
  for (const array of arrays) {
    out.set(array, at);
    at += array.length;
  }
  return out;
}

/** `values` [rows, cols] with its rows in the given order; `order` may pick a part of them. */
export function pickRows(values: Float32Array, cols: number, order: ArrayLike<number>): Float32Array {
  const out = new Float32Array(order.length * cols);
  for (let row = 0; row < order.length; row++) {
    out.set(values.subarray(order[row]! * cols, (order[row]! + 1) * cols), row * cols);
  }
  return out;
}

/** `values` [rows, cols] with its columns in the given order; `order` may pick a part of them. */
export function pickColumns(values: Float32Array, cols: number, order: ArrayLike<number>): Float32Array {
  const rows = values.length / cols;
  const width = order.length;
  const out = new Float32Array(rows * width);
  for (let row = 0; row < rows; row++) {
    for (let col = 0; col < width; col++) out[row * width + col] = values[row * cols + order[col]!]!;
  }
  return out;
}

/** [rows, cols] -> [cols, rows] */
export function transposed(values: Float32Array, rows: number): Float32Array {
  const cols = values.length / rows;
  const out = new Float32Array(values.length);
  for (let row = 0; row < rows; row++) {
    for (let col = 0; col < cols; col++) out[col * rows + row] = values[row * cols + col]!;
  }
  return out;
}
