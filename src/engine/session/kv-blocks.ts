/** Rows of a cache as they leave the process: in half the bytes where the numbers allow it (docs/engine.md). */
import { MoebiusError } from '../../base/errors.ts';
import { halfTable, toHalf } from '../../formats/float16.ts';
import type { KvBlock } from '../kv-pages.ts';

const BYTES = { f32: 4, f16: 2 };

/** `values` f32 [rows, rowSize], copied. */
export function packRows(name: string, values: Float32Array, rowSize: number): KvBlock {
  const half = toHalf(values);
  const data = new Uint8Array((half ?? values.slice()).buffer as ArrayBuffer);
  return { name, type: half ? 'f16' : 'f32', rows: values.length / rowSize, rowSize, data };
}

/** The first `rows` rows of `block`, f32 [rows, rowSize]. Throws `format-invalid` unless it is `name` and has so many. */
export function unpackRows(
  block: KvBlock | undefined,
  name: string,
  rows: number,
  rowSize: number,
): Float32Array {
  const isFit =
    block?.name === name &&
    block.rowSize === rowSize &&
    block.rows >= rows &&
    block.data.byteLength === block.rows * rowSize * BYTES[block.type];
  if (!isFit) throw new MoebiusError('format-invalid', `A saved page does not fit the model at ${name}.`);
  const { type, data } = block;
  // A copy: floats must lie at a multiple of their size, which bytes out of a file need not.
  const bytes = data.slice(0, rows * rowSize * BYTES[type]).buffer as ArrayBuffer;
  if (type === 'f32') return new Float32Array(bytes);
  const halves = new Uint16Array(bytes);
  const table = halfTable();
  const values = new Float32Array(halves.length);
  for (let i = 0; i < halves.length; i++) values[i] = table[halves[i]!]!;
  return values;
}
