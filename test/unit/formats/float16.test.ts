import assert from 'node:assert/strict';
import { halfTable, toHalf } from '../../../src/formats/float16.ts';

describe('half precision', () => {
  it('gives every finite half back', () => {
    const finite = Array.from({ length: 0x10000 }, (_, bits) => bits).filter(
      bits => (bits & 0x7c00) !== 0x7c00,
    );
    const values = Float32Array.from(finite, bits => halfTable()[bits]!);
    assert.deepEqual(toHalf(values), Uint16Array.from(finite));
  });

  it('takes the nearest, and of two the even one', () => {
    const check = (value: number, expected: number) =>
      assert.equal(halfTable()[toHalf(Float32Array.of(value))![0]!], expected, `${value}`);
    check(1 + 2 ** -11, 1);
    check(1 + 3 * 2 ** -11, 1 + 2 ** -9);
    check(1 + 2 ** -11 + 2 ** -20, 1 + 2 ** -10);
    check(-(2 ** -25), -0);
    check(3 * 2 ** -25, 2 ** -23);
    check(2 ** -14 - 2 ** -26, 2 ** -14);
    check(65_519, 65_504);
  });

  it('refuses what has no half', () => {
    for (const value of [65_520, -1e6, Number.POSITIVE_INFINITY, Number.NaN]) {
      assert.equal(toHalf(Float32Array.of(1, value)), null, `${value}`);
    }
  });
});
