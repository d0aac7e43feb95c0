/** MXFP4: 4-bit floats with one 8-bit exponent for every 32. Source: OCP Microscaling Formats (MX) v1.0, section 5. */

/** Values of the codes 0 to 15: sign, two bits of exponent, one of fraction. */
const E2M1 = [0, 0.5, 1, 1.5, 2, 3, 4, 6, -0, -0.5, -1, -1.5, -2, -3, -4, -6];
const BIAS = 127;

/** `codes` [blocks, 16], low nibble first; `exponents` [blocks] -> values [blocks * 32]. */
export function mxfp4Values(codes: Uint8Array, exponents: Uint8Array): Float32Array {
  const out = new Float32Array(32 * exponents.length);
  for (let block = 0; block < exponents.length; block++) {
    const scale = 2 ** (exponents[block]! - BIAS);
    for (let i = 0; i < 16; i++) {
      const byte = codes[16 * block + i]!;
      out[32 * block + 2 * i] = E2M1[byte & 15]! * scale;
      out[32 * block + 2 * i + 1] = E2M1[byte >> 4]! * scale;
    }
  }
  return out;
}
