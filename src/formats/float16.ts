/** Half precision without hardware help: a table over all 65,536 bit patterns (256 KiB), built on first use. */

let table: Float32Array | undefined;

/** float32 value of every IEEE 754 binary16 bit pattern, shape [65536]. */
export function halfTable(): Float32Array {
  table ??= Float32Array.from({ length: 0x10000 }, (_, bits) => halfToFloat(bits));
  return table;
}

function halfToFloat(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 0x1f;
  const fraction = bits & 0x3ff;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  if (exponent === 0x1f) return fraction ? Number.NaN : sign * Number.POSITIVE_INFINITY;
  return sign * (1024 + fraction) * 2 ** (exponent - 25);
}

/** float32 bits of 65,520: what would be rounded to more than the largest half, 65,504. */
const PAST_HALF = 0x477ff000;
/** float32 bits of 2^-14, the smallest normal half. */
const SMALLEST_NORMAL = 0x38800000;

/** The binary16 bit patterns nearest to `values` (ties to even), or null if one of them is too large for it or no number. */
export function toHalf(values: Float32Array): Uint16Array<ArrayBuffer> | null {
  const bits = new Uint32Array(values.buffer, values.byteOffset, values.length);
  const halves = new Uint16Array(values.length);
  const sum = new Float32Array(1);
  const sumBits = new Uint32Array(sum.buffer);
  for (let i = 0; i < bits.length; i++) {
    const sign = (bits[i]! >>> 16) & 0x8000;
    const size = bits[i]! & 0x7fffffff;
    if (size >= PAST_HALF) return null;
    if (size >= SMALLEST_NORMAL) {
      // The exponent's bias changes by 112; 13 bits of the fraction go, rounded by adding just under half of the last that stays.
      halves[i] = sign | ((size - 0x38000000 + 0xfff + ((size >>> 13) & 1)) >>> 13);
    } else {
      // 0.5 is so large that the sum's last bit is worth 2^-24, as a subnormal half's is: the addition rounds.
      sum[0] = Math.abs(values[i]!) + 0.5;
      halves[i] = sign | (sumBits[0]! - 0x3f000000);
    }
  }
  return halves;
}
