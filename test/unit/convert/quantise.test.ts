import assert from 'node:assert/strict';
import {
  FINE,
  minimumColumns,
  type Packed,
  packChannels,
  packMinima,
  packRows,
} from '../../../src/convert/quantise.ts';
import { dequantize } from '../../../src/formats/dequantize.ts';
import { decodeQ4K } from '../../../src/formats/dequantize-k.ts';
import { random } from '../../support/tiny-model.ts';

/** Values [rows, cols] that MatMulNBits reads from packed blocks. */
function unpack(
  { q, scales }: Packed,
  rows: number,
  cols: number,
  bits: 4 | 8,
  blockSize: number,
): Float32Array {
  const blocks = Math.ceil(cols / blockSize);
  const out = new Float32Array(rows * cols);
  for (let row = 0; row < rows; row++) {
    for (let col = 0; col < cols; col++) {
      const at = row * blocks * blockSize + col;
      const code = bits === 8 ? q[at]! - 128 : ((q[at >> 1]! >> (4 * (at & 1))) & 15) - 8;
      out[row * cols + col] = code * scales[row * blocks + Math.floor(col / blockSize)]!;
    }
  }
  return out;
}

const relativeError = (actual: Float32Array, expected: Float32Array) =>
  Math.hypot(...actual.map((value, i) => value - expected[i]!)) / Math.hypot(...expected);

describe('quantise', () => {
  const next = random(3);
  const values = Float32Array.from({ length: 6 * 80 }, () => next() * next());

  const cases: [bits: 4 | 8, blockSize: number, limit: number][] = [
    [8, 32, 0.006],
    [8, 128, 0.008],
    [4, 32, 0.09],
    [4, 16, 0.08],
  ];
  for (const [bits, blockSize, limit] of cases) {
    it(`keeps ${bits}-bit values in blocks of ${blockSize} within ${limit} of their norm, a part block included`, () => {
      const error = relativeError(
        unpack(packRows(values, 80, bits, blockSize), 6, 80, bits, blockSize),
        values,
      );
      assert.ok(error < limit && error > 0, String(error));
    });
  }

  it('gives every row one scale and a column of codes', () => {
    const codes = new Int8Array(2 * 3);
    const scales = new Float32Array(3);
    packChannels(Float32Array.of(2, -4, 0, 0), 2, codes, scales, 1);
    assert.deepEqual(
      [...codes],
      [0, 64, 0, 0, -127, 0],
      'the first row is not theirs; half a code is rounded up',
    );
    assert.deepEqual([...scales], [0, Math.fround(4 / 127), 0]);
  });

  it('searches scales: less error than the largest value alone would give', () => {
    const plain = Float32Array.from(values, (_, i) => {
      const start = i - (i % 80) + Math.floor((i % 80) / 16) * 16;
      const block = values.subarray(start, start + 16);
      const scale = block.reduce((best, v) => (Math.abs(v) > Math.abs(best) ? v : best), 0) / -8;
      return Math.max(-8, Math.min(7, Math.round(values[i]! / scale))) * scale;
    });
    const searched = unpack(packRows(values, 80, 4, 16), 6, 80, 4, 16);
    assert.ok(relativeError(searched, values) < relativeError(plain, values));
  });

  it('keeps zero rows zero', () => {
    assert.deepEqual(unpack(packRows(new Float32Array(64), 64, 4, 32), 1, 64, 4, 32), new Float32Array(64));
  });

  for (const cols of [256, 512, 1536, 8960])
    it(`keeps Q4_K ${cols} wide: codes and corrections give the published values times any x`, () => {
      const rows = 4;
      const raw = new Uint8Array((rows * cols * 144) / 256);
      for (let i = 0; i < raw.length; i++) raw[i] = Math.floor((next() + 1) * 128);
      const view = new DataView(raw.buffer);
      for (let block = 0; block < raw.length; block += 144) {
        view.setUint16(block, 0x2000 + block, true); // d and dmin: small positive halves
        view.setUint16(block + 2, 0x2400 + block, true);
      }
      const width = cols + minimumColumns(cols);
      const wide = unpack(packMinima(decodeQ4K(raw, rows * cols), cols, rows), rows, width, 4, 32);
      const exact = dequantize('Q4_K', raw);
      const x = Float32Array.from({ length: cols }, () => next() + 0.5);
      for (let row = 0; row < rows; row++) {
        let expected = 0;
        let actual = 0;
        let size = 0;
        for (let col = 0; col < cols; col++) {
          expected += exact[row * cols + col]! * x[col]!;
          size += Math.abs(exact[row * cols + col]! * x[col]!);
          const at = row * width;
          const [coarse, fine] = [wide[at + cols + (col >> 5)]!, wide[at + cols + cols / 32 + (col >> 5)]!];
          actual += (wide[at + col]! + coarse + FINE * fine) * x[col]!;
        }
        assert.ok(
          Math.abs(actual - expected) < 2e-3 * size,
          `${actual} != ${expected} (sum of sizes ${size})`,
        );
      }
    });
});
