/**
 * The router of a layer: ridge regression from the normed feed-forward input to how much each expert would say.
 * Inputs are standardised first, so that one penalty fits all channels; mean and deviation fold into weight and bias.
 */
import { solveInPlace } from './cholesky.ts';
import { type Matrix, matrix, rowOf, type TensorMath } from './tensor-math.ts';

/** Ridge penalty as a part of the Gram matrix's mean diagonal. */
const PENALTY = 0.01;

/** One stretch of calibration: inputs [n, hidden], targets [n, experts], weight of each token [n]. */
export interface RouterSamples {
  inputs: Matrix;
  targets: Matrix;
  weights: Float32Array;
}

export interface Router {
  /** [hidden, experts]; scores = x @ weight + bias */
  weight: Float32Array;
  /** [experts] */
  bias: Float32Array;
}

export async function fitRouter(
  math: TensorMath,
  samples: readonly RouterSamples[],
  penalty = PENALTY,
): Promise<Router> {
  const hidden = samples[0]!.inputs.columns;
  const experts = samples[0]!.targets.columns;
  const input = moments(samples.map(({ inputs, weights }) => ({ of: inputs, weights })));
  const target = moments(samples.map(({ targets, weights }) => ({ of: targets, weights })));
  const gram = new Float64Array(hidden * hidden);
  const cross = new Float64Array(hidden * experts);
  for (const { inputs, targets, weights } of samples) {
    const x = standardised(inputs, input.mean, input.deviation, weights);
    const y = standardised(targets, target.mean, null, weights);
    accumulate(gram, await math.transposedTimes(x, x));
    accumulate(cross, await math.transposedTimes(x, y));
  }
  let trace = 0;
  for (let i = 0; i < hidden; i++) trace += gram[i * hidden + i]!;
  for (let i = 0; i < hidden; i++) gram[i * hidden + i]! += (penalty * trace) / hidden;
  solveInPlace(gram, cross, experts);

  const weight = Float32Array.from(cross, (value, i) => value / input.deviation[Math.floor(i / experts)]!);
  const bias = Float32Array.from(target.mean, (mean, expert) => {
    let shift = mean;
    for (let i = 0; i < hidden; i++) shift -= input.mean[i]! * weight[i * experts + expert]!;
    return shift;
  });
  return { weight, bias };
}

/** Weighted mean and standard deviation of each column. */
function moments(parts: { of: Matrix; weights: Float32Array }[]): {
  mean: Float64Array;
  deviation: Float64Array;
} {
  const columns = parts[0]!.of.columns;
  const mean = new Float64Array(columns);
  const deviation = new Float64Array(columns);
  let total = 0;
  for (const weight of parts.flatMap(part => [...part.weights])) total += weight;
  const each = (visit: (value: number, column: number, weight: number) => void) => {
    for (const { of, weights } of parts) {
      for (let row = 0; row < of.rows; row++) {
        const values = rowOf(of, row);
        const weight = weights[row]! / total;
        for (let column = 0; column < columns; column++) visit(values[column]!, column, weight);
      }
    }
  };
  each((value, column, weight) => {
    mean[column]! += weight * value;
  });
  each((value, column, weight) => {
    deviation[column]! += weight * (value - mean[column]!) ** 2;
  });
  return { mean, deviation: deviation.map(variance => Math.sqrt(variance) + 1e-6) };
}

/** sqrt(weight) * (value - mean) / deviation */
function standardised(
  of: Matrix,
  mean: Float64Array,
  deviation: Float64Array | null,
  weights: Float32Array,
): Matrix {
  const out = matrix(of.rows, of.columns);
  for (let row = 0; row < of.rows; row++) {
    const root = Math.sqrt(weights[row]!);
    const from = rowOf(of, row);
    const to = rowOf(out, row);
    for (let column = 0; column < from.length; column++) {
      to[column] = (root * (from[column]! - mean[column]!)) / (deviation ? deviation[column]! : 1);
    }
  }
  return out;
}

function accumulate(sum: Float64Array, part: Matrix): void {
  for (let i = 0; i < sum.length; i++) sum[i]! += part.values[i]!;
}
