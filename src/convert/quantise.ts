/**
 * Quantisers. Of whole rows for products of 8-bit codes (formats/token-product.ts), and of blocks in the layout of onnxruntime's MatMulNBits: a row of K values is ceil(K/block) blocks; a value is
 * (q - 2^(bits-1)) * scale; 4-bit values are packed low nibble first. Everything works on a few rows at a time.
 */
import type { Q4KBlocks } from '../formats/dequantize-k.ts';
import { LARGEST_CODE } from '../formats/token-product.ts';

export interface Packed {
  /** [rows, ceil(cols/blockSize), blockSize*bits/8] */
  q: Uint8Array;
  /** [rows, ceil(cols/blockSize)] */
  scales: Float32Array;
}

/**
 * Symmetric quantisation, round to nearest. With 4 bits the scale of each block is searched for the least squared error,
 * weighted by `importance` [cols] (the mean square of each input channel) where it is known.
 */
export function packRows(
  values: Float32Array,
  cols: number,
  bits: 4 | 8,
  blockSize: number,
  importance?: Float32Array,
): Packed {
  const rows = values.length / cols;
  const blocks = Math.ceil(cols / blockSize);
  const blockBytes = (blockSize * bits) / 8;
  const q = new Uint8Array(rows * blocks * blockBytes);
  const scales = new Float32Array(rows * blocks);
  for (let row = 0; row < rows; row++) {
    for (let block = 0; block < blocks; block++) {
      const start = row * cols + block * blockSize;
      const length = Math.min(blockSize, cols - block * blockSize);
      const index = row * blocks + block;
      const scale =
        bits === 4
          ? searchScale(values, start, length, importance, block * blockSize)
          : largest(values, start, length) / -128;
      scales[index] = scale;
      writeBlock(values, start, length, scale, bits, q, index * blockBytes, blockBytes);
    }
  }
  return { q, scales };
}

/**
 * Rows of `values` [count, cols], each with one scale, as columns `at` and following of `packed` i8 [cols, rows], rows = scales.length.
 * Round to nearest, symmetric: the largest value becomes 127 or -127.
 */
export function packChannels(
  values: Float32Array,
  cols: number,
  packed: Int8Array,
  scales: Float32Array,
  at: number,
): void {
  const rows = scales.length;
  for (let start = 0, row = at; start < values.length; start += cols, row++) {
    const scale = Math.abs(largest(values, start, cols)) / LARGEST_CODE;
    const inverse = scale === 0 ? 0 : 1 / scale;
    scales[row] = scale;
    for (let i = 0; i < cols; i++) packed[i * rows + row] = Math.round(values[start + i]! * inverse);
  }
}

/** The value of largest magnitude, with its sign: it becomes the code -2^(bits-1), which has no positive twin. */
function largest(values: Float32Array, start: number, length: number): number {
  let found = 0;
  for (let i = start; i < start + length; i++) if (Math.abs(values[i]!) > Math.abs(found)) found = values[i]!;
  return found;
}

/** Shrinking the largest value's scale clips it but rounds all others finer; these factors cover the useful range. */
const SCALE_FACTORS = [1, 0.97, 0.94, 0.91, 0.88, 0.85, 1.04, 1.08];

function searchScale(
  values: Float32Array,
  start: number,
  length: number,
  importance: Float32Array | undefined,
  column: number,
): number {
  const base = largest(values, start, length) / -8;
  if (base === 0) return 0;
  let bestScale = base;
  let bestGain = Number.NEGATIVE_INFINITY;
  for (const factor of SCALE_FACTORS) {
    const inverse = 1 / (base * factor);
    let dot = 0;
    let norm = 0;
    for (let i = 0; i < length; i++) {
      const value = values[start + i]!;
      const code = Math.max(-8, Math.min(7, Math.round(value * inverse)));
      const weight = importance ? importance[column + i]! : 1;
      dot += weight * code * value;
      norm += weight * code * code;
    }
    // For fixed codes the best scale is dot / norm, and it lowers the squared error by dot^2 / norm.
    const gain = norm > 0 ? (dot * dot) / norm : 0;
    if (gain > bestGain) {
      bestGain = gain;
      bestScale = norm > 0 ? dot / norm : base;
    }
  }
  return bestScale;
}

function writeBlock(
  values: Float32Array,
  start: number,
  length: number,
  scale: number,
  bits: 4 | 8,
  out: Uint8Array,
  at: number,
  blockBytes: number,
): void {
  const inverse = scale === 0 ? 0 : 1 / scale;
  if (bits === 8) {
    out.fill(128, at, at + blockBytes);
    for (let i = 0; i < length; i++) {
      out[at + i] = Math.max(-128, Math.min(127, Math.round(values[start + i]! * inverse))) + 128;
    }
    return;
  }
  out.fill(0x88, at, at + blockBytes);
  for (let i = 0; i < length; i++) {
    const code = Math.max(-8, Math.min(7, Math.round(values[start + i]! * inverse))) + 8;
    const byte = at + (i >> 1);
    out[byte] = i & 1 ? (out[byte]! & 0x0f) | (code << 4) : (out[byte]! & 0xf0) | code;
  }
}

/** A fine code of a correction counts for this much of a coarse one: the fine codes span what the coarse ones leave over. */
export const FINE = 1 / 16;

/** Columns that a row with minima has behind its `cols` values: two for each block of 32. */
export const minimumColumns = (cols: number): number => 2 * (cols / 32);

/**
 * Rows of blocks with a minimum in a layout that only knows symmetric blocks:
 * w.x = scale * (q - 8).x + (8*scale - min) * sum(x). The codes become symmetric 4-bit blocks without loss, and each block
 * gets a correction for the sum of its 32 inputs. The corrections are further columns of the same matrix, each as a coarse
 * and a fine 4-bit code; they meet the block sums of x, and `FINE` of them, there (see graph/linear.ts).
 */
export function packMinima({ q: codes, scale, min }: Q4KBlocks, cols: number, rows: number): Packed {
  const inner = cols / 32;
  const blocks = Math.ceil((cols + minimumColumns(cols)) / 32);
  const q = new Uint8Array(rows * blocks * 16);
  const scales = new Float32Array(rows * blocks);
  const correction = new Float32Array(inner);
  for (let row = 0; row < rows; row++) {
    const from = row * cols;
    const to = row * blocks * 16;
    for (let i = 0; i < cols; i += 2) q[to + (i >> 1)] = codes[from + i]! | (codes[from + i + 1]! << 4);
    for (let block = 0; block < inner; block++) {
      const s = scale[row * inner + block]!;
      scales[row * blocks + block] = s;
      correction[block] = 8 * s - min[row * inner + block]!;
    }
    const packed = packCorrections(correction);
    q.set(packed.q, to + cols / 2);
    scales.set(packed.scales, row * blocks + inner);
  }
  return { q, scales };
}

/** Coarse codes of all `values`, then their fine codes, without a gap; `values` become what the coarse codes left over. */
function packCorrections(values: Float32Array): Packed {
  const count = values.length;
  const coarse = packRows(values, count, 4, 32);
  for (let i = 0; i < count; i++) {
    values[i] = (values[i]! - (codeAt(coarse.q, i) - 8) * coarse.scales[i >> 5]!) / FINE;
  }
  // The first fine codes lie in the last coarse block and have its scale, which spans them: half a coarse step is 8 fine ones.
  const shared = Math.min(count, 32 * coarse.scales.length - count);
  const scale = coarse.scales.at(-1)!;
  for (let i = 0; i < shared; i++) {
    const code = scale === 0 ? 8 : Math.max(0, Math.min(15, Math.round(values[i]! / scale) + 8));
    const at = (count + i) >> 1;
    coarse.q[at] = (count + i) & 1 ? (coarse.q[at]! & 15) | (code << 4) : (coarse.q[at]! & 0xf0) | code;
  }
  const rest = packRows(values.subarray(shared), count - shared, 4, 32);
  return { q: concat(coarse.q, rest.q), scales: Float32Array.of(...coarse.scales, ...rest.scales) };
}

const codeAt = (q: Uint8Array, i: number): number => (q[i >> 1]! >> (4 * (i & 1))) & 15;

function concat(a: Uint8Array, b: Uint8Array): Uint8Array {
  const out = new Uint8Array(a.length + b.length);
  out.set(a);
  out.set(b, a.length);
  return out;
}
