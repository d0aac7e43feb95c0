/**
 * Grouped-query attention in plain operators. The query heads that share a key/value head are stacked into one matrix,
 * so that a decode step is one product per key/value head; the past is an input and only new rows leave the graph
 * (docs/engine.md has the names, shapes and reasons). Everything is [1, heads, rows, headDim], which is the layout that
 * RotaryEmbedding takes. n = tokens of this run, m = rows that go on, G = heads / kvHeads.
 */
import type { ModelDims } from '../../models/manifest.ts';
import type { GraphWriter } from './linear.ts';

/** Names of what every layer's attention shares. */
export interface AttentionInputs {
  positions: string;
  maskPast: string;
  /** [1, 1, G*n, n]; [1, 1, G*m, n] where only selected rows go on */
  maskNew: string;
  sizes: string;
  cos: string;
  sin: string;
  /** Name of the indices [m] of the rows that go on; null for all n. */
  select: string | null;
}

/**
 * `projected` [n, (heads + 2 kvHeads) * headDim]: queries, keys and values before RoPE, head by head.
 * Returns the value [m, heads*headDim]; defines the outputs new_k.{layer} and new_v.{layer}.
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
  const shape = graph.ints([1, -1, heads + 2 * kvHeads, headDim]);
  const byRow = graph.node('Reshape', [projected, shape], `${p}.by_row`);
  const byHead = graph.node('Transpose', [byRow], `${p}.by_head`, { perm: [0, 2, 1, 3] });
  const split = (x: string, counts: number[], outputs: string[]) =>
    graph.node('Split', [x, graph.ints(counts)], '', { axis: 1 }, outputs);
  split(byHead, [heads + kvHeads, kvHeads], [`${p}.qk`, newValue]);
  graph.contrib('RotaryEmbedding', [`${p}.qk`, shared.positions, shared.cos, shared.sin], `${p}.rotated`);
  split(`${p}.rotated`, [heads, kvHeads], [`${p}.q`, newKey]);
  const query = shared.select
    ? graph.node('Gather', [`${p}.q`, shared.select], `${p}.q.selected`, { axis: 2 })
    : `${p}.q`;
  const stacked = graph.node('Reshape', [query, graph.ints([1, kvHeads, -1, headDim])], `${p}.q.stacked`);

  const scores = (keys: string, mask: string, name: string) => {
    const alpha = { transB: 1, alpha: { float: 1 / Math.sqrt(headDim) } };
    const product = graph.contrib('FusedMatMul', [stacked, keys], `${name}.product`, alpha);
    return graph.node('Add', [product, mask], name);
  };
  const past = scores(`past_k.${layer}`, shared.maskPast, `${p}.past`);
  const recent = scores(newKey, shared.maskNew, `${p}.recent`);
  const all = graph.node('Concat', [past, recent], `${p}.scores`, { axis: 3 });
  const weights = graph.node('Softmax', [all], `${p}.weights`, { axis: -1 });
  graph.node('Split', [weights, shared.sizes], '', { axis: 3 }, [`${p}.weights.past`, `${p}.weights.recent`]);
  const fromPast = graph.node('MatMul', [`${p}.weights.past`, `past_v.${layer}`], `${p}.from_past`);
  const fromRecent = graph.node('MatMul', [`${p}.weights.recent`, newValue], `${p}.from_recent`);
  const sum = graph.node('Add', [fromPast, fromRecent], `${p}.sum`);
  const unstacked = graph.node('Reshape', [sum, graph.ints([1, heads, -1, headDim])], `${p}.unstacked`);
  const byToken = graph.node('Transpose', [unstacked], `${p}.by_token`, { perm: [0, 2, 1, 3] });
  return graph.node('Reshape', [byToken, graph.ints([-1, heads * headDim])], `${p}.out`);
}
