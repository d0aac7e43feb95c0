/**
 * Block formats of GGUF to float32, bit for bit what the reference (`gguf.quants`) gives: every product and sum is
 * rounded to float32 as it does (Math.fround, which V8 turns into single-precision instructions).
 * Source of the layouts: ggml-common.h, ggml-quants.c.
 */
import { MoebiusError } from '../base/errors.ts';
import { dequantizeQ4K, dequantizeQ5K, dequantizeQ6K } from './dequantize-k.ts';
import { halfTable } from './float16.ts';

/** Writes the values of `raw` (whole blocks) to `out`. */
type Dequantizer = (raw: Uint8Array, out: Float32Array) => void;

interface Format {
  blockElements: number;
  blockBytes: number;
  run: Dequantizer;
}

const fround = Math.fround;

const FORMATS: Record<string, Format> = {
  F32: { blockElements: 1, blockBytes: 4, run: copyF32 },
  F16: { blockElements: 1, blockBytes: 2, run: dequantizeF16 },
  BF16: { blockElements: 1, blockBytes: 2, run: dequantizeBF16 },
  Q4_0: { blockElements: 32, blockBytes: 18, run: dequantizeQ40 },
  Q4_1: { blockElements: 32, blockBytes: 20, run: dequantizeQ41 },
  Q5_0: { blockElements: 32, blockBytes: 22, run: dequantizeQ50 },
  Q5_1: { blockElements: 32, blockBytes: 24, run: dequantizeQ51 },
  Q8_0: { blockElements: 32, blockBytes: 34, run: dequantizeQ80 },
  Q4_K: { blockElements: 256, blockBytes: 144, run: dequantizeQ4K },
  Q5_K: { blockElements: 256, blockBytes: 176, run: dequantizeQ5K },
  Q6_K: { blockElements: 256, blockBytes: 210, run: dequantizeQ6K },
};

export const DEQUANTIZABLE: readonly string[] = Object.keys(FORMATS);

/** All values in `raw`, which holds whole blocks of ggml type `type`. */
export function dequantize(type: string, raw: Uint8Array): Float32Array {
  const format = FORMATS[type];
  if (!format) {
    throw new MoebiusError(
      'unsupported',
      `Weights stored as ${type} can't be read. Choose a GGUF with one of ${DEQUANTIZABLE.join(', ')} (Q4_K_M is a good one).`,
    );
  }
  if (raw.length % format.blockBytes !== 0) {
    throw new RangeError(`${raw.length} bytes are not whole ${type} blocks of ${format.blockBytes}`);
  }
  const out = new Float32Array((raw.length / format.blockBytes) * format.blockElements);
  format.run(raw, out);
  return out;
}

function copyF32(raw: Uint8Array, out: Float32Array): void {
  new Uint8Array(out.buffer).set(raw);
}

function dequantizeF16(raw: Uint8Array, out: Float32Array): void {
  const half = halfTable();
  for (let i = 0, at = 0; i < out.length; i++, at += 2) out[i] = half[raw[at]! | (raw[at + 1]! << 8)]!;
}

/** bfloat16 is the upper half of a float32. */
function dequantizeBF16(raw: Uint8Array, out: Float32Array): void {
  const bits = new Uint32Array(out.buffer);
  for (let i = 0, at = 0; i < bits.length; i++, at += 2) bits[i] = (raw[at]! << 16) | (raw[at + 1]! << 24);
}

/** f16 d, 16 bytes: low nibbles are values 0-15, high nibbles 16-31; value = d * (q - 8). */
function dequantizeQ40(raw: Uint8Array, out: Float32Array): void {
  const half = halfTable();
  for (let at = 0, o = 0; o < out.length; at += 18, o += 32) {
    const d = half[raw[at]! | (raw[at + 1]! << 8)]!;
    for (let j = 0; j < 16; j++) {
      const byte = raw[at + 2 + j]!;
      out[o + j] = d * ((byte & 15) - 8);
      out[o + j + 16] = d * ((byte >> 4) - 8);
    }
  }
}

/** f16 d, f16 m, 16 bytes of nibbles; value = d * q + m. */
function dequantizeQ41(raw: Uint8Array, out: Float32Array): void {
  const half = halfTable();
  for (let at = 0, o = 0; o < out.length; at += 20, o += 32) {
    const d = half[raw[at]! | (raw[at + 1]! << 8)]!;
    const m = half[raw[at + 2]! | (raw[at + 3]! << 8)]!;
    for (let j = 0; j < 16; j++) {
      const byte = raw[at + 4 + j]!;
      out[o + j] = fround(d * (byte & 15)) + m;
      out[o + j + 16] = fround(d * (byte >> 4)) + m;
    }
  }
}

/** f16 d, 32 fifth bits, 16 bytes of nibbles; value = d * (q - 16). */
function dequantizeQ50(raw: Uint8Array, out: Float32Array): void {
  const half = halfTable();
  for (let at = 0, o = 0; o < out.length; at += 22, o += 32) {
    const d = half[raw[at]! | (raw[at + 1]! << 8)]!;
    const high = raw[at + 2]! | (raw[at + 3]! << 8) | (raw[at + 4]! << 16) | (raw[at + 5]! << 24);
    for (let j = 0; j < 16; j++) {
      const byte = raw[at + 6 + j]!;
      out[o + j] = d * (((byte & 15) | (((high >>> j) & 1) << 4)) - 16);
      out[o + j + 16] = d * (((byte >> 4) | (((high >>> (j + 16)) & 1) << 4)) - 16);
    }
  }
}

/** f16 d, f16 m, 32 fifth bits, 16 bytes of nibbles; value = d * q + m. */
function dequantizeQ51(raw: Uint8Array, out: Float32Array): void {
  const half = halfTable();
  for (let at = 0, o = 0; o < out.length; at += 24, o += 32) {
    const d = half[raw[at]! | (raw[at + 1]! << 8)]!;
    const m = half[raw[at + 2]! | (raw[at + 3]! << 8)]!;
    const high = raw[at + 4]! | (raw[at + 5]! << 8) | (raw[at + 6]! << 16) | (raw[at + 7]! << 24);
    for (let j = 0; j < 16; j++) {
      const byte = raw[at + 8 + j]!;
      out[o + j] = fround(d * ((byte & 15) | (((high >>> j) & 1) << 4))) + m;
      out[o + j + 16] = fround(d * ((byte >> 4) | (((high >>> (j + 16)) & 1) << 4))) + m;
    }
  }
}

/** f16 d, 32 signed bytes; value = d * q. */
function dequantizeQ80(raw: Uint8Array, out: Float32Array): void {
  const half = halfTable();
  for (let at = 0, o = 0; o < out.length; at += 34, o += 32) {
    const d = half[raw[at]! | (raw[at + 1]! << 8)]!;
    for (let j = 0; j < 32; j++) out[o + j] = d * ((raw[at + 2 + j]! << 24) >> 24);
  }
}
