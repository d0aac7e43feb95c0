/** Balanced k-means on the unit sphere: clusters of exactly equal size, by direction (cosine). */
import { seededRandom, shuffled } from './random.ts';
import { type Matrix, matrix, rowNorms, rowOf, type TensorMath } from './tensor-math.ts';

const ITERATIONS = 6;

/**
 * Cluster of every row of `points` [n]; n must be a multiple of `clusters`. Assignment is greedy over all (row, cluster)
 * pairs, most similar first, while the cluster has room. Deterministic for a seed.
 */
export async function balancedKMeans(
  math: TensorMath,
  points: Matrix,
  clusters: number,
  seed: number,
): Promise<Uint16Array> {
  const capacity = points.rows / clusters;
  if (!Number.isInteger(capacity)) throw new RangeError(`${points.rows} rows in ${clusters} equal clusters`);
  const unit = normalised(points);
  const rows = Array.from({ length: points.rows }, (_, row) => row);
  const starts = shuffled(rows, seededRandom(seed)).slice(0, clusters);
  let centres = matrix(clusters, points.columns);
  starts.forEach((row, cluster) => {
    rowOf(centres, cluster).set(rowOf(unit, row));
  });
  let assigned: Uint16Array = new Uint16Array(0);
  for (let iteration = 0; iteration < ITERATIONS; iteration++) {
    assigned = assignGreedily(await math.timesTransposed(unit, centres), capacity);
    centres = normalised(sums(unit, assigned, clusters));
  }
  return assigned;
}

/** `similarity` [n, clusters] -> cluster of each row, `capacity` rows in each. */
export function assignGreedily(similarity: Matrix, capacity: number): Uint16Array {
  const { rows, columns, values } = similarity;
  const pairs = Uint32Array.from(values, (_, pair) => pair).sort((a, b) => values[b]! - values[a]! || a - b);
  const room = new Uint32Array(columns).fill(capacity);
  const isAssigned = new Uint8Array(rows);
  const assigned = new Uint16Array(rows);
  let left = rows;
  for (const pair of pairs) {
    const row = Math.floor(pair / columns);
    const cluster = pair % columns;
    if (isAssigned[row] || room[cluster] === 0) continue;
    isAssigned[row] = 1;
    assigned[row] = cluster;
    room[cluster]!--;
    if (--left === 0) break;
  }
  return assigned;
}

function normalised(points: Matrix): Matrix {
  const norms = rowNorms(points);
  const out = matrix(points.rows, points.columns, points.values.slice());
  for (let row = 0; row < out.rows; row++) {
    const scale = 1 / Math.max(norms[row]!, 1e-12);
    const values = rowOf(out, row);
    for (let column = 0; column < values.length; column++) values[column]! *= scale;
  }
  return out;
}

function sums(points: Matrix, assigned: Uint16Array, clusters: number): Matrix {
  const out = matrix(clusters, points.columns);
  for (let row = 0; row < points.rows; row++) {
    const from = rowOf(points, row);
    const to = rowOf(out, assigned[row]!);
    for (let column = 0; column < from.length; column++) to[column]! += from[column]!;
  }
  return out;
}
