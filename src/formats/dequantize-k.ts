/** The 256-value K-quant blocks of ggml. Layouts: ggml-common.h `block_q4_K`, `block_q5_K`, `block_q6_K`. */
import { halfTable } from './float16.ts';

const fround = Math.fround;
const Q4K_BYTES = 144;

/** Weights as Q4_K stores them: value[i] = scale[i / 32] * q[i] - min[i / 32]. */
export interface Q4KBlocks {
  /** 0..15, shape [elements]. */
  q: Uint8Array;
  /** Shape [elements / 32]. */
  scale: Float32Array;
  /** Shape [elements / 32]. */
  min: Float32Array;
}

/** Q4_K without leaving its integers, for quantisers that can keep them. `elements` is a multiple of 256. */
export function decodeQ4K(raw: Uint8Array, elements: number): Q4KBlocks {
  if (elements % 256 !== 0 || raw.length !== (elements / 256) * Q4K_BYTES) {
    throw new RangeError(`${raw.length} bytes are not ${elements} values of Q4_K`);
  }
  const half = halfTable();
  const q = new Uint8Array(elements);
  const scale = new Float32Array(elements / 32);
  const min = new Float32Array(elements / 32);
  for (let at = 0, o = 0, s = 0; o < elements; at += Q4K_BYTES, o += 256, s += 8) {
    unpackScales(half, raw, at, scale, min, s);
    for (let j = 0; j < 8; j += 2) {
      const from = at + 16 + j * 16;
      const to = o + j * 32;
      for (let i = 0; i < 32; i++) {
        const byte = raw[from + i]!;
        q[to + i] = byte & 15;
        q[to + i + 32] = byte >> 4;
      }
    }
  }
  return { q, scale, min };
}

/** f16 d, f16 dmin, 12 bytes of 6-bit scales and minima, 128 bytes of nibbles. */
export function dequantizeQ4K(raw: Uint8Array, out: Float32Array): void {
  const half = halfTable();
  const scale = new Float32Array(8);
  const min = new Float32Array(8);
  for (let at = 0, o = 0; o < out.length; at += Q4K_BYTES, o += 256) {
    unpackScales(half, raw, at, scale, min, 0);
    for (let j = 0; j < 8; j += 2) {
      const from = at + 16 + j * 16;
      const to = o + j * 32;
      const lowScale = scale[j]!;
      const lowMin = min[j]!;
      const highScale = scale[j + 1]!;
      const highMin = min[j + 1]!;
      for (let i = 0; i < 32; i++) {
        const byte = raw[from + i]!;
        out[to + i] = fround(lowScale * (byte & 15)) - lowMin;
        out[to + i + 32] = fround(highScale * (byte >> 4)) - highMin;
      }
    }
  }
}

/** As Q4_K, with 32 bytes of fifth bits before the nibbles: bit j of byte i belongs to value i of sub-block j. */
export function dequantizeQ5K(raw: Uint8Array, out: Float32Array): void {
  const half = halfTable();
  const scale = new Float32Array(8);
  const min = new Float32Array(8);
  for (let at = 0, o = 0; o < out.length; at += 176, o += 256) {
    unpackScales(half, raw, at, scale, min, 0);
    for (let j = 0; j < 8; j += 2) {
      const from = at + 48 + j * 16;
      const to = o + j * 32;
      const lowScale = scale[j]!;
      const lowMin = min[j]!;
      const highScale = scale[j + 1]!;
      const highMin = min[j + 1]!;
      for (let i = 0; i < 32; i++) {
        const byte = raw[from + i]!;
        const fifth = raw[at + 16 + i]! >> j;
        out[to + i] = fround(lowScale * ((byte & 15) | ((fifth & 1) << 4))) - lowMin;
        out[to + i + 32] = fround(highScale * ((byte >> 4) | ((fifth & 2) << 3))) - highMin;
      }
    }
  }
}

/** 128 bytes of low nibbles, 64 of upper bit pairs, 16 signed scales, f16 d; value = d * scale * (q - 32). */
export function dequantizeQ6K(raw: Uint8Array, out: Float32Array): void {
  const half = halfTable();
  const scale = new Float32Array(16);
  for (let at = 0, o = 0; o < out.length; at += 210, o += 256) {
    const d = half[raw[at + 208]! | (raw[at + 209]! << 8)]!;
    for (let j = 0; j < 16; j++) scale[j] = d * ((raw[at + 192 + j]! << 24) >> 24);
    for (let h = 0; h < 2; h++) {
      for (let g = 0; g < 2; g++) {
        const s = h * 8 + g;
        const scale0 = scale[s]!;
        const scale1 = scale[s + 2]!;
        const scale2 = scale[s + 4]!;
        const scale3 = scale[s + 6]!;
        const low = at + h * 64 + g * 16;
        const high = at + 128 + h * 32 + g * 16;
        const to = o + h * 128 + g * 16;
        for (let i = 0; i < 16; i++) {
          const a = raw[low + i]!;
          const b = raw[low + i + 32]!;
          const pairs = raw[high + i]!;
          out[to + i] = scale0 * (((a & 15) | ((pairs & 3) << 4)) - 32);
          out[to + i + 32] = scale1 * (((b & 15) | ((pairs & 12) << 2)) - 32);
          out[to + i + 64] = scale2 * (((a >> 4) | (pairs & 48)) - 32);
          out[to + i + 96] = scale3 * (((b >> 4) | ((pairs & 192) >> 2)) - 32);
        }
      }
    }
  }
}

/** Scales and minima of the eight 32-value sub-blocks of the block at `at`, into `scale` and `min` from index `to`. */
function unpackScales(
  half: Float32Array,
  raw: Uint8Array,
  at: number,
  scale: Float32Array,
  min: Float32Array,
  to: number,
): void {
  const d = half[raw[at]! | (raw[at + 1]! << 8)]!;
  const dmin = half[raw[at + 2]! | (raw[at + 3]! << 8)]!;
  for (let j = 0; j < 4; j++) {
    const a = raw[at + 4 + j]!;
    const b = raw[at + 8 + j]!;
    const c = raw[at + 12 + j]!;
    scale[to + j] = d * (a & 63);
    min[to + j] = dmin * (b & 63);
    scale[to + j + 4] = d * ((c & 15) | ((a >> 6) << 4));
    min[to + j + 4] = dmin * ((c >> 4) | ((b >> 6) << 4));
  }
}
