import assert from 'node:assert/strict';
import { attention } from '../../../src/convert/carve/attention.ts';
import { expertSizes } from '../../../src/convert/carve/carve.ts';
import { solveInPlace } from '../../../src/convert/carve/cholesky.ts';
import { feedForward } from '../../../src/convert/carve/feed-forward.ts';
import { assignGreedily, balancedKMeans } from '../../../src/convert/carve/k-means.ts';
import { inFirstHalf, plannedLevels } from '../../../src/convert/carve/levels.ts';
import { partition } from '../../../src/convert/carve/partition.ts';
import { fitRouter } from '../../../src/convert/carve/router.ts';
import { type Matrix, matrix, rowOf } from '../../../src/convert/carve/tensor-math.ts';
import { Trial } from '../../../src/convert/carve/trial.ts';
import { Config } from '../../../src/convert/config.ts';
import { ropeOf } from '../../../src/convert/rope.ts';
import { pickColumns, pickRows } from '../../../src/convert/weights.ts';
import { OnnxTensorMath } from '../../../src/engine/session/tensor-math.ts';
import { random, TINY } from '../../support/tiny-model.ts';

let math: OnnxTensorMath;
before(async () => {
  math = await OnnxTensorMath.create(1);
});
after(() => math.dispose());

function randomMatrix(rows: number, columns: number, seed: number, scale = 1): Matrix {
  const next = random(seed);
  return matrix(
    rows,
    columns,
    Float32Array.from({ length: rows * columns }, () => next() * scale),
  );
}

function assertClose(actual: ArrayLike<number>, expected: ArrayLike<number>, tolerance: number): void {
  assert.equal(actual.length, expected.length);
  for (let i = 0; i < actual.length; i++) {
    const off = Math.abs(actual[i]! - expected[i]!);
    assert.ok(off <= tolerance, `[${i}] is ${actual[i]}, not ${expected[i]}`);
  }
}

/** a @ b by three loops. */
function product(a: Matrix, b: Matrix): Matrix {
  const out = matrix(a.rows, b.columns);
  for (let i = 0; i < a.rows; i++)
    for (let j = 0; j < b.columns; j++)
      for (let k = 0; k < a.columns; k++) rowOf(out, i)[j]! += rowOf(a, i)[k]! * rowOf(b, k)[j]!;
  return out;
}

function transposed(of: Matrix): Matrix {
  const out = matrix(of.columns, of.rows);
  for (let i = 0; i < of.rows; i++) for (let j = 0; j < of.columns; j++) rowOf(out, j)[i] = rowOf(of, i)[j]!;
  return out;
}

describe('convert/carve: mathematics', () => {
  it('multiplies on onnxruntime, views into larger arrays too', async () => {
    const a = randomMatrix(5, 7, 1);
    const b = randomMatrix(7, 3, 2);
    const expected = product(a, b);
    const view = new Float32Array(4 + b.values.length);
    view.set(b.values, 4);
    for (const actual of [
      await math.times(a, matrix(7, 3, view.subarray(4))),
      await math.timesTransposed(a, transposed(b)),
      await math.transposedTimes(transposed(a), b),
    ]) {
      assert.deepEqual([actual.rows, actual.columns], [5, 3]);
      assertClose(actual.values, expected.values, 1e-5);
    }
  });

  it('solves positive definite systems, and refuses others', () => {
    const a = Float64Array.of(4, 2, 0.5, 2, 5, 1, 0.5, 1, 3);
    const x = [1, -2, 3, 0.5, -1, 4];
    const b = Float64Array.from({ length: 6 }, (_, i) => {
      const row = i >> 1;
      return [0, 1, 2].reduce((sum, k) => sum + a[row * 3 + k]! * x[k * 2 + (i & 1)]!, 0);
    });
    solveInPlace(a.slice(), b, 2);
    assertClose(b, x, 1e-12);
    assert.throws(() => solveInPlace(Float64Array.of(1, 2, 2, 1), new Float64Array(2), 1), RangeError);
  });

  it('fits a ridge regression like its closed form for one input', async () => {
    // Weighted: x = 1, 2, 4 with weights 1, 2, 1; y = 3, 1, 7. Standardised Gram = sum of weights = 4.
    const inputs = matrix(3, 1, Float32Array.of(1, 2, 4));
    const targets = matrix(3, 1, Float32Array.of(3, 1, 7));
    const weights = Float32Array.of(1, 2, 1);
    const meanX = 9 / 4;
    const meanY = 12 / 4;
    const varX = (1 * (1 - meanX) ** 2 + 2 * (2 - meanX) ** 2 + (4 - meanX) ** 2) / 4;
    const cov = ((1 - meanX) * 0 + 2 * (2 - meanX) * (1 - meanY) + (4 - meanX) * (7 - meanY)) / 4;
    for (const penalty of [0, 0.5]) {
      const { weight, bias } = await fitRouter(math, [{ inputs, targets, weights }], penalty);
      const slope = cov / varX / (1 + penalty);
      assertClose(weight, [slope], 1e-4);
      assertClose(bias, [meanY - slope * meanX], 1e-4);
    }
  });

  it('finds a linear router from several stretches of samples', async () => {
    const truth = randomMatrix(6, 4, 3);
    const samples = [11, 12].map(seed => {
      const inputs = randomMatrix(50, 6, seed);
      const targets = product(inputs, truth);
      for (let row = 0; row < 50; row++) rowOf(targets, row)[2]! += 5;
      return { inputs, targets, weights: new Float32Array(50).fill(1) };
    });
    const { weight, bias } = await fitRouter(math, samples, 1e-9);
    assertClose(weight, truth.values, 1e-3);
    assertClose(bias, [0, 0, 5, 0], 1e-3);
  });
});

describe('convert/carve: partition', () => {
  it('assigns the most similar pairs first while there is room', () => {
    const similarity = matrix(4, 2, Float32Array.of(0.9, 0.1, 0.8, 0.2, 0.7, 0.6, 0.1, 0));
    assert.deepEqual([...assignGreedily(similarity, 2)], [0, 0, 1, 1]);
  });

  it('makes clusters of equal size and finds the directions that are there', async () => {
    const next = random(5);
    const points = matrix(60, 8);
    for (let row = 0; row < 60; row++) {
      const values = rowOf(points, row);
      for (let i = 0; i < 8; i++) values[i] = 0.1 * next();
      values[row % 3]! += 1 + row; // lengths differ, directions count
    }
    const clusters = await balancedKMeans(math, points, 3, 1);
    for (let row = 3; row < 60; row++) assert.equal(clusters[row], clusters[row % 3]);
    assert.equal(new Set(clusters).size, 3);
    assert.deepEqual(await balancedKMeans(math, points, 3, 1), clusters);
    await assert.rejects(balancedKMeans(math, points, 7, 1), RangeError);
  });

  it('puts the most influential neurons first and every neuron once', async () => {
    const sizes = { sharedNeurons: 4, routed: 3, routedNeurons: 4 };
    const influence = Float64Array.from({ length: 16 }, (_, i) => (i % 4 === 1 ? 10 : 1));
    const order = await partition(math, randomMatrix(16, 8, 6), influence, sizes, 0);
    assert.deepEqual([...order.subarray(0, 4)], [1, 5, 9, 13]);
    assert.deepEqual(
      [...order].sort((a, b) => a - b),
      Array.from({ length: 16 }, (_, i) => i),
    );
  });

  const sizesOf: [number, number, number, [number, number, number] | null][] = [
    [8960, 28, 8, [2560, 20, 320]],
    [4864, 19, 5, [1280, 14, 256]],
    [4864, 19, 0, [0, 19, 256]],
    [4864, 38, 38, null],
    [4864, 76 * 2, 8, null],
    [4864, 20, 8, null],
    [4864, 19, -1, null],
    [4864, 0, 0, null],
    [4864, Number.NaN, 1, null],
  ];
  for (const [neurons, groups, sharedGroups, expected] of sizesOf) {
    it(`${neurons} neurons in ${groups} groups, ${sharedGroups} shared: ${expected ?? 'refused'}`, () => {
      const sizes = () => Object.values(expertSizes(neurons, { groups, sharedGroups }));
      if (expected) assert.deepEqual(sizes(), expected);
      else assert.throws(sizes, { code: 'bad-request' });
    });
  }
});

describe('convert/carve: levels', () => {
  it('read the first half of the layers with most experts, as many on the mean as were asked for', () => {
    assert.deepEqual(inFirstHalf(6, 19, 4), [11, 11, 1, 1]);
    assert.deepEqual(inFirstHalf(12, 19, 4), [19, 19, 5, 5], 'no more than there are');
    assert.equal(inFirstHalf(1, 19, 4), 1);
    assert.equal(inFirstHalf(19, 19, 4), 19);
    const sizes = { sharedNeurons: 2880, routed: 19, routedNeurons: 320 };
    const { exact, balanced, frugal } = plannedLevels(sizes, 2);
    assert.equal(exact!.readK, null);
    assert.deepEqual(balanced!.readK, [15, 1]);
    assert.deepEqual([frugal!.readK, frugal!.writeK], [1, 12]);
    const { fast } = plannedLevels({ ...sizes, sharedNeurons: 0 }, 2);
    assert.equal(fast!.readK, 9, 'without a shared expert all layers alike');
  });
});

describe('convert/carve: layer', () => {
  it('is the dense layer when all experts speak', async () => {
    const sizes = { sharedNeurons: 16, routed: 4, routedNeurons: 12 };
    const weights = {
      gate: randomMatrix(64, 32, 7, 0.4),
      up: randomMatrix(64, 32, 8, 0.4),
      down: randomMatrix(32, 64, 9, 0.4),
    };
    const input = randomMatrix(10, 32, 10, 2);
    const dense = matrix(10, 32);
    const { middle } = await feedForward(math, weights, input, dense);
    const influence = Float64Array.from(rowOf(middle, 0), Math.abs);
    const order = await partition(math, weights.gate, influence, sizes, 0);
    const sum = matrix(10, 32);
    const bounds = [0, 16, 28, 40, 52, 64];
    for (let expert = 0; expert < 5; expert++) {
      const neurons = order.subarray(bounds[expert], bounds[expert + 1]);
      const rows = (of: Matrix) => matrix(neurons.length, 32, pickRows(of.values, 32, neurons));
      const part = {
        gate: rows(weights.gate),
        up: rows(weights.up),
        down: matrix(32, neurons.length, pickColumns(weights.down.values, 64, neurons)),
      };
      await feedForward(math, part, input, sum);
    }
    assertClose(sum.values, dense.values, 1e-5);
    assert.ok(dense.values.some(value => Math.abs(value) > 0.5));
  });

  it('is tried: what experts of lower score would have said is the error, of each token by itself', async () => {
    // Neuron 1 is shared, 0 and 3 are expert 0, 2 and 4 expert 1, 5 and 6 expert 2; every neuron is an output.
    const sizes = { sharedNeurons: 1, routed: 3, routedNeurons: 2 };
    const order = Uint16Array.of(1, 0, 3, 2, 4, 5, 6);
    const middle = matrix(2, 7, Float32Array.of(3, 0, 0, 0, 4, 0, 0, 0, 2, 1, 0, 0, 0, 2));
    const down = matrix(7, 7);
    for (let i = 0; i < 7; i++) rowOf(down, i)[i] = 1;
    // The first token likes experts 0, 1, 2, the second 2, 0, 1; with the bias that is 2, 1, 0.
    const input = matrix(2, 3, Float32Array.of(9, 5, 1, 2, 1, 9));
    const router = Float32Array.of(1, 0, 0, 0, 1, 0, 0, 0, 1);
    const trial = new Trial(sizes);
    assert.equal(trial.quality(), null);
    const trace = { input, middle, stateNorms: new Float32Array(2) };
    for (const layer of [0, 1])
      await trial.add(math, layer, trace, down, { order, router, routerBias: Float32Array.of(0, 2, 0) });
    const { tokens, errors } = trial.quality()!;
    assert.equal(tokens, 2);
    assert.deepEqual(
      errors.map(({ experts, active }) => [experts, active]),
      [
        [1, 0.4286],
        [2, 0.7143],
      ],
    );
    // One expert: the first token lacks 4 of 5, the second 1 of 3. Two: nothing, nothing.
    assert.deepEqual(errors[0]!.layers, [0.5667, 0.5667]);
    assert.deepEqual(errors[1]!.layers, [0, 0]);
  });

  it('attends like a loop over heads and positions', async () => {
    const { hidden, heads, kvHeads, headDim, ropeTheta, rmsEpsilon } = TINY;
    const n = 6;
    const states = randomMatrix(n, hidden, 20);
    const weights = {
      norm: randomMatrix(1, hidden, 21).values,
      qkv: randomMatrix((heads + 2 * kvHeads) * headDim, hidden, 22),
      bias: randomMatrix(1, (heads + 2 * kvHeads) * headDim, 25).values,
      norms: { query: randomMatrix(1, headDim, 23).values, key: randomMatrix(1, headDim, 24).values },
      rope: ropeOf(new Config({ rope_theta: ropeTheta }, 'test'), headDim),
      outputBias: null,
      output: randomMatrix(hidden, heads * headDim, 28),
    };
    const pass = await attention(math, TINY, weights, states);

    const normed = (row: number) => {
      const x = [...rowOf(states, row)];
      const scale = 1 / Math.sqrt(x.reduce((sum, v) => sum + v * v, 0) / hidden + rmsEpsilon);
      return x.map((v, i) => v * scale * weights.norm[i]!);
    };
    /** The vector of head `head` of qkv at `row`, turned by its position if it is a query or key. */
    const headOf = (head: number, row: number) => {
      const x = normed(row);
      const raw = Array.from({ length: headDim }, (_, i) => {
        const at = head * headDim + i;
        return weights.bias[at]! + rowOf(weights.qkv, at).reduce((sum, w, j) => sum + w * x[j]!, 0);
      });
      if (head >= heads + kvHeads) return raw;
      const gains = head < heads ? weights.norms.query : weights.norms.key;
      const rms = Math.sqrt(raw.reduce((sum, v) => sum + v * v, 0) / headDim + rmsEpsilon);
      const even = raw.map((value, i) => (value / rms) * gains[i]!);
      return even.map((value, i) => {
        const pair = i % (headDim / 2);
        const angle = row / ropeTheta ** ((2 * pair) / headDim);
        const other = i < headDim / 2 ? -even[i + headDim / 2]! : even[i - headDim / 2]!;
        return value * Math.cos(angle) + other * Math.sin(angle);
      });
    };
    for (let row = 0; row < n; row++) {
      for (let head = 0; head < heads; head++) {
        const kv = Math.floor(head / (heads / kvHeads));
        const q = headOf(head, row);
        const scores = Array.from({ length: row + 1 }, (_, past) => {
          const k = headOf(heads + kv, past);
          return Math.exp(q.reduce((sum, v, i) => sum + v * k[i]!, 0) / Math.sqrt(headDim));
        });
        const total = scores.reduce((a, b) => a + b, 0);
        const mixed = Array.from({ length: headDim }, (_, i) =>
          scores.reduce(
            (sum, score, past) => sum + (score / total) * headOf(heads + kvHeads + kv, past)[i]!,
            0,
          ),
        );
        assertClose(rowOf(pass.mixed, row).subarray(head * headDim, (head + 1) * headDim), mixed, 1e-4);
      }
    }
    assertClose(pass.output.values, product(pass.mixed, transposed(weights.output)).values, 1e-4);
  });
});
