/** Where a graph's weights come from: matrices [rows, cols] that can be read a few rows at a time. */
import type { GgufFile } from '../formats/gguf.ts';

export interface MatrixSource {
  rows: number;
  cols: number;
  /** Storage type of the published file (`Q4_K`, `F32`, ...), or `F32` for a matrix made here. */
  type: string;
  raw(rowStart: number, rowCount: number): Promise<Uint8Array>;
  values(rowStart: number, rowCount: number): Promise<Float32Array>;
}

export function ggufMatrix(gguf: GgufFile, name: string): MatrixSource {
  const info = gguf.tensor(name);
  const cols = info.shape.at(-1)!;
  return {
    rows: info.elements / cols,
    cols,
    type: info.type,
    raw: (start, count) => gguf.readTensor(name, start, count),
    values: (start, count) => gguf.readTensorF32(name, start, count),
  };
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

/** Several matrices of the same width and type, one above the other. */
export function stacked(parts: readonly MatrixSource[]): MatrixSource {
  const first = parts[0]!;
  const slices = function* (start: number, count: number) {
    let base = 0;
    for (const part of parts) {
      const from = Math.max(start, base);
      const to = Math.min(start + count, base + part.rows);
      if (from < to) yield { part, from: from - base, count: to - from };
      base += part.rows;
    }
  };
  return {
    rows: parts.reduce((sum, part) => sum + part.rows, 0),
    cols: first.cols,
    type: first.type,
    raw: async (start, count) => {
      const chunks: Uint8Array[] = [];
      for (const slice of slices(start, count)) chunks.push(await slice.part.raw(slice.from, slice.count));
      return chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks);
    },
    values: async (start, count) => {
      const out = new Float32Array(count * first.cols);
      let at = 0;
      for (const slice of slices(start, count)) {
        const values = await slice.part.values(slice.from, slice.count);
        out.set(values, at);
        at += values.length;
      }
      return out;
    },
  };
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
