/**
 * Grouped-query attention in plain operators. Query heads that share a key/value head are rows of one matrix, so that a
 * decode step is one product per key/value head; the past is an input and only new rows leave the graph (docs/engine.md
 * has the names, shapes and reasons). Keys and values are [rows, kvHeads, headDim], so that a cache is appended to in one
 * piece; FusedMatMul reads them head by head without a copy (transBatch). n = tokens of this run, m = rows that go on,
 * G = heads / kvHeads.
 */
import type { ModelDims } from '../../models/manifest.ts';
import type { GraphWriter } from './linear.ts';

/** Names of what every layer's attention shares. */
export interface AttentionInputs {
  positions: string;
  /** What is added to the scores: [n*G or 1, past + n]; [m*G or 1, past + n] where only selected rows go on. */
  mask: string;
  sizes: string;
  cos: string;
  sin: string;
  /** Name of the indices [m] of the rows that go on; null for all n. */
  select: string | null;
}

/**
 * `projected` [n, (heads + 2 kvHeads) * headDim]: queries, keys and values before RoPE, head by head; the query heads in
 * the order of `groupedHeads`. Returns the value [m, heads*headDim], its heads in that order too; defines the outputs
 * new_k.{layer} [1, n, kvHeads*headDim] and new_v.{layer} [n, kvHeads*headDim].
 */
export function attention(
  graph: GraphWriter,
  layer: number,
  { heads, kvHeads, headDim }: ModelDims,
  projected: string,
  shared: AttentionInputs,
): string {
  const p = `attn.${layer}`;
  const [newKey, newValue] = [`new_k.${layer}`, `new_v.${layer}`];
  const [width, kvWidth] = [heads * headDim, kvHeads * headDim];
  const split = (x: string, counts: number[], axis: number, outputs: string[]) =>
    graph.node('Split', [x, graph.ints(counts)], '', { axis }, outputs);
  split(projected, [width + kvWidth, kvWidth], 1, [`${p}.qk`, newValue]);
  const batch = graph.node('Reshape', [`${p}.qk`, graph.ints([1, -1, width + kvWidth])], `${p}.batch`);
  graph.contrib('RotaryEmbedding', [batch, shared.positions, shared.cos, shared.sin], `${p}.rotated`);
  split(`${p}.rotated`, [width, kvWidth], 2, [`${p}.q`, newKey]);
  const query = shared.select
    ? graph.node('Gather', [`${p}.q`, shared.select], `${p}.q.selected`, { axis: 1 })
    : `${p}.q`;
  const byHead = (x: string, name: string) =>
    graph.node('Reshape', [x, graph.ints([-1, kvHeads, headDim])], name);
  const queries = byHead(query, `${p}.q.by_head`); // [m*G, kvHeads, headDim]
  const keys = byHead(newKey, `${p}.k.by_head`);
  const values = byHead(newValue, `${p}.v.by_head`);

  const scaled = { transBatchA: 1, transBatchB: 1, transB: 1, alpha: { float: 1 / Math.sqrt(headDim) } };
  const past = graph.contrib('FusedMatMul', [queries, `past_k.${layer}`], `${p}.past`, scaled);
  const recent = graph.contrib('FusedMatMul', [queries, keys], `${p}.recent`, scaled);
  const all = graph.node('Concat', [past, recent], `${p}.all`, { axis: 2 });
  const scores = graph.node('Add', [all, shared.mask], `${p}.scores`);
  const weights = graph.node('Softmax', [scores], `${p}.weights`, { axis: -1 });
  graph.node('Split', [weights, shared.sizes], '', { axis: 2 }, [`${p}.weights.past`, `${p}.weights.recent`]);
  const product = (part: string, x: string) =>
    graph.contrib('FusedMatMul', [`${p}.weights.${part}`, x], `${p}.from_${part}`, { transBatchB: 1 });
  const fromPast = product('past', `past_v.${layer}`);
  const fromRecent = product('recent', values);
  const sum = graph.node('Add', [fromPast, fromRecent], `${p}.sum`); // [kvHeads, m*G, headDim]
  const byRow = graph.node('Transpose', [sum], `${p}.by_row`, { perm: [1, 0, 2] });
  return graph.node('Reshape', [byRow, graph.ints([-1, width])], `${p}.out`);
}

/**
 * Query heads as the graph wants them, by their place in the model: the first of every group, then the second, ... Rows of
 * a [m*G, kvHeads, headDim] tensor are then (token, place in the group), which no transposition has to bring about.
 */
export function groupedHeads({ heads, kvHeads }: Pick<ModelDims, 'heads' | 'kvHeads'>): number[] {
  const group = heads / kvHeads;
  return Array.from({ length: heads }, (_, i) => (i % kvHeads) * group + Math.floor(i / kvHeads));
}
