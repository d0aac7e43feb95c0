/**
 * Block quantisers in the layout of onnxruntime's MatMulNBits: a row of K values is ceil(K/block) blocks; a value is
 * (q - 2^(bits-1)) * scale; 4-bit values are packed low nibble first. Everything works on a few rows at a time.
 */
import type { Q4KBlocks } from '../formats/dequantize-k.ts';

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

/** Where the best scale lies around the one that spans the block: fewer or more than 15 steps from least to largest. */
const STEPS_BESIDE_15 = [0, -0.3, 0.3, -0.6, 0.6, -0.9, 0.9, -1.5];

/** The scale, minimum and codes of every block of 32 of `values` [rows, cols] with the least squared error (see packRows). */
export function fitMinima(values: Float32Array, cols: number, importance?: Float32Array): Q4KBlocks {
  const blocks = values.length / 32;
  const fitted = {
    q: new Uint8Array(values.length),
    scale: new Float32Array(blocks),
    min: new Float32Array(blocks),
  };
  for (let block = 0; block < blocks; block++) fitBlock(values, 32 * block, cols, importance, fitted);
  return fitted;
}

function fitBlock(
  values: Float32Array,
  start: number,
  cols: number,
  importance: Float32Array | undefined,
  { q, scale, min }: Q4KBlocks,
): void {
  const column = start % cols;
  let least = Number.POSITIVE_INFINITY;
  let largest = Number.NEGATIVE_INFINITY;
  for (let i = start; i < start + 32; i++) {
    least = Math.min(least, values[i]!);
    largest = Math.max(largest, values[i]!);
  }
  min[start / 32] = -least;
  const span = largest - least;
  if (span === 0) return;
  let inverse = 15 / span;
  scale[start / 32] = 1 / inverse;
  let bestGain = Number.NEGATIVE_INFINITY;
  for (const beside of STEPS_BESIDE_15) {
    const steps = (15 + beside) / span;
    let [w, wq, wqq, wx, wqx] = [0, 0, 0, 0, 0];
    for (let i = 0; i < 32; i++) {
      const x = values[start + i]!;
      const code = codeOf(x, least, steps);
      const weight = importance ? importance[column + i]! : 1;
      w += weight;
      wq += weight * code;
      wqq += weight * code * code;
      wx += weight * x;
      wqx += weight * code * x;
    }
    // Least squares of x = s * code + m for fixed codes; s * wqx + m * wx is what it takes off the sum of squares.
    const determinant = w * wqq - wq * wq;
    if (!(determinant > 0)) continue;
    const s = (w * wqx - wq * wx) / determinant;
    const m = (wqq * wx - wq * wqx) / determinant;
    const gain = s * wqx + m * wx;
    if (gain > bestGain) {
      bestGain = gain;
      inverse = steps;
      scale[start / 32] = s;
      min[start / 32] = -m;
    }
  }
  for (let i = start; i < start + 32; i++) q[i] = codeOf(values[i]!, least, inverse);
}

const codeOf = (value: number, least: number, steps: number): number =>
  Math.max(0, Math.min(15, Math.round((value - least) * steps)));

/** Columns that a row with minima has behind its `cols` values: two codes for each block of 32, padded to whole blocks. */
export const minimumColumns = (cols: number): number => 2 * Math.ceil(cols / 32 / 32) * 32;

/**
 * Rows of blocks with a minimum in a layout that only knows symmetric blocks, without loss:
 * w.x = scale * (q - 8).x + (8*scale - min) * sum(x). The codes become symmetric 4-bit blocks, and each block gets a
 * correction for the sum of its 32 inputs. The corrections are further columns of the same matrix, each as a 4-bit code
 * and a 4-bit code of what that left over, and meet the block sums of x there (see graph/linear.ts).
 */
export function packMinima({ q: codes, scale, min }: Q4KBlocks, cols: number, rows: number): Packed {
  const inner = cols / 32;
  const half = minimumColumns(cols) / 2;
  const blocks = inner + (2 * half) / 32;
  const q = new Uint8Array(rows * blocks * 16);
  const scales = new Float32Array(rows * blocks);
  const correction = new Float32Array(half);
  for (let row = 0; row < rows; row++) {
    const from = row * cols;
    const to = row * blocks * 16;
    for (let i = 0; i < cols; i += 2) q[to + (i >> 1)] = codes[from + i]! | (codes[from + i + 1]! << 4);
    correction.fill(0);
    for (let block = 0; block < inner; block++) {
      const s = scale[row * inner + block]!;
      scales[row * blocks + block] = s;
      correction[block] = 8 * s - min[row * inner + block]!;
    }
    const coarse = packRows(correction, half, 4, 32);
    subtract(correction, coarse);
    const fine = packRows(correction, half, 4, 32);
    q.set(coarse.q, to + cols / 2);
    q.set(fine.q, to + (cols + half) / 2);
    scales.set(coarse.scales, row * blocks + inner);
    scales.set(fine.scales, row * blocks + inner + half / 32);
  }
  return { q, scales };
}

function subtract(values: Float32Array, { q, scales }: Packed): void {
  for (let i = 0; i < values.length; i++) {
    const code = ((q[i >> 1]! >> (4 * (i & 1))) & 15) - 8;
    values[i] = values[i]! - code * scales[i >> 5]!;
  }
}
