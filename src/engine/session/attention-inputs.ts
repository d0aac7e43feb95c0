/** What the graphs are told of positions: which rows see which, and which go on. n = new rows, G = query heads a cached head. */
import { Tensor } from 'onnxruntime-node';
import type { ModelDims } from '../../models/manifest.ts';
import type { KvCache } from './kv-cache.ts';

/** What a score gets where a row must not be seen. */
const MASKED = -1e30;

export interface Rows {
  first: number;
  count: number;
}

/**
 * Inputs of a run of `count` rows behind those of `cache`, of which the `wanted` go on: `positions` i64 [1, n] (of the rows,
 * ascending), `select` i64 [m], and for all of the past and, where layers are windowed, for its window: `mask` for all rows and
 * `mask_selected` for the wanted ones, f32 [rows * G, past + n] (one row for all where nothing is hidden), `sizes` [past, n].
 */
export function attentionInputs(
  dims: ModelDims,
  cache: KvCache,
  positions: readonly number[],
  wanted: Rows,
): Record<string, Tensor> {
  const count = positions.length;
  return {
    positions: integers(positions, [1, count]),
    select: integers(range(wanted.first, wanted.count), [wanted.count]),
    ...visible(dims, cache.length, cache.pastRows, count, wanted, Number.POSITIVE_INFINITY, ''),
    ...(dims.slidingWindow !== undefined &&
      visible(dims, cache.length, cache.windowRows, count, wanted, dims.slidingWindow, '_window')),
  };
}

/**
 * All of the past is seen, and of the new rows those before and the row itself, as far back as `reach` rows. `length` is
 * what the cache holds: the row of no meaning that stands for an empty one is not seen.
 */
function visible(
  { heads, kvHeads }: ModelDims,
  length: number,
  past: number,
  count: number,
  wanted: Rows,
  reach: number,
  suffix: string,
): Record<string, Tensor> {
  const width = past + count;
  const mask = ({ first, count: rows }: Rows, group: number) => {
    const data = new Float32Array(rows * group * width);
    for (let row = 0; row < rows * group; row++) {
      const end = past + first + Math.floor(row / group) + 1;
      const start = Math.max(length === 0 ? past : 0, end - reach);
      data.fill(MASKED, row * width, row * width + start);
      data.fill(MASKED, row * width + end, (row + 1) * width);
    }
    return new Tensor('float32', data, [rows * group, width]);
  };
  const group = heads / kvHeads;
  const one = count === 1 ? mask({ first: 0, count: 1 }, 1) : null;
  return {
    [`mask${suffix}`]: one ?? mask({ first: 0, count }, group),
    [`mask_selected${suffix}`]: one ?? mask(wanted, group),
    [`sizes${suffix}`]: integers([past, count], [2]),
  };
}

export const range = (start: number, count: number): number[] =>
  Array.from({ length: count }, (_, i) => start + i);

/** i64 of the given shape. */
export const integers = (values: readonly number[], shape: number[]): Tensor =>
  new Tensor('int64', BigInt64Array.from(values, BigInt), shape);
