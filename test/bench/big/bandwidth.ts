/** How fast this machine reads memory, by what reads it here: products of one row, whose weights no cache holds. */
import { runSelfTest } from '../../../src/engine/self-test.ts';
import { OnnxTensorMath } from '../../../src/engine/session/tensor-math.ts';
import { PACKED_BYTES } from '../../../src/models/hardware.ts';

/** Of the float32 matrix: 1 GiB. */
const [ROWS, COLUMNS] = [16_384, 16_384];
const RUNS = 8;

/** Bytes a second by kernel: one with float32 weights, and those of the product's self-test. The largest is a bound for all. */
export async function measureBandwidth(threads: number): Promise<Record<string, number>> {
  const { int4, int8, w8a8 } = await runSelfTest();
  return {
    float32: await readFloats(threads),
    int4: int4.write * PACKED_BYTES.int4,
    int8: int8.write * PACKED_BYTES.int8,
    ...(w8a8 && { w8a8: w8a8.write * PACKED_BYTES.w8a8 }),
  };
}

/** The quickest run counts: what else the machine does only slows. */
async function readFloats(threads: number): Promise<number> {
  const math = await OnnxTensorMath.create(threads);
  try {
    const ones = (rows: number, columns: number) => ({
      ...{ rows, columns },
      values: new Float32Array(rows * columns).fill(1),
    });
    const [row, weights] = [ones(1, ROWS), ones(ROWS, COLUMNS)];
    let bestMs = Number.POSITIVE_INFINITY;
    for (let i = 0; i < RUNS; i++) {
      const start = performance.now();
      await math.times(row, weights);
      bestMs = Math.min(bestMs, performance.now() - start);
    }
    return (weights.values.byteLength / bestMs) * 1000;
  } finally {
    await math.dispose();
  }
}
