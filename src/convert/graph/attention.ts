/**
 * Grouped-query attention in plain operators. The query heads that share a key/value head are stacked into one matrix,
 * so that a decode step is one product per key/value head; the past is an input and only new rows leave the graph
 * (docs/engine.md has the names, shapes and reasons). n = tokens of this run, m = rows that go on, G = heads / kvHeads.
 */
import type { ModelDims } from '../../models/manifest.ts';
import type { GraphWriter } from './linear.ts';

export interface QueryKeyValue {
  /** [m, heads*headDim], [n, kvHeads*headDim], [n, kvHeads*headDim], before RoPE */
  query: string;
  key: string;
  value: string;
}

/** Names of what every layer's attention shares; `queryPositions` [1, m] and `maskNew` [1, G*m, n] fit the query rows. */
export interface AttentionInputs {
  positions: string;
  queryPositions: string;
  maskPast: string;
  maskNew: string;
  sizes: string;
  cos: string;
  sin: string;
}

/** Returns the value [m, heads*headDim]; defines the outputs new_k.{layer} and new_v.{layer}. */
export function attention(
  graph: GraphWriter,
  layer: number,
  dims: ModelDims,
  { query, key, value }: QueryKeyValue,
  shared: AttentionInputs,
): string {
  const { heads, kvHeads, headDim } = dims;
  const group = heads / kvHeads;
  const p = `attn.${layer}`;
  const rotate = (x: string, positions: string, name: string) => {
    const batched = graph.node('Unsqueeze', [x, graph.ints([0])], `${name}.batched`);
    return graph.contrib('RotaryEmbedding', [batched, positions, shared.cos, shared.sin], name);
  };
  /** [1, n, kvHeads*headDim] or [n, ...] -> [kvHeads, n, headDim] */
  const byHead = (x: string, name: string) => {
    const split = graph.node('Reshape', [x, graph.ints([-1, kvHeads, headDim])], `${name}.split`);
    return graph.node('Transpose', [split], name, { perm: [1, 0, 2] });
  };

  const newKey = byHead(rotate(key, shared.positions, `${p}.k`), `new_k.${layer}`);
  const newValue = byHead(value, `new_v.${layer}`);
  const rotated = rotate(query, shared.queryPositions, `${p}.q`);
  const split = graph.node('Reshape', [rotated, graph.ints([-1, kvHeads, group, headDim])], `${p}.q.split`);
  const grouped = graph.node('Transpose', [split], `${p}.q.grouped`, { perm: [1, 2, 0, 3] });
  const stacked = graph.node('Reshape', [grouped, graph.ints([kvHeads, -1, headDim])], `${p}.q.stacked`);

  const scores = (keys: string, mask: string, name: string) => {
    const alpha = { transB: 1, alpha: { float: 1 / Math.sqrt(headDim) } };
    const product = graph.contrib('FusedMatMul', [stacked, keys], `${name}.product`, alpha);
    return graph.node('Add', [product, mask], name);
  };
  const past = scores(`past_k.${layer}`, shared.maskPast, `${p}.past`);
  const recent = scores(newKey, shared.maskNew, `${p}.recent`);
  const all = graph.node('Concat', [past, recent], `${p}.scores`, { axis: 2 });
  const weights = graph.node('Softmax', [all], `${p}.weights`, { axis: -1 });
  graph.node('Split', [weights, shared.sizes], '', { axis: 2 }, [`${p}.weights.past`, `${p}.weights.recent`]);
  const fromPast = graph.node('MatMul', [`${p}.weights.past`, `past_v.${layer}`], `${p}.from_past`);
  const fromRecent = graph.node('MatMul', [`${p}.weights.recent`, newValue], `${p}.from_recent`);
  const sum = graph.node('Add', [fromPast, fromRecent], `${p}.sum`);
  const unstacked = graph.node('Reshape', [sum, graph.ints([kvHeads, group, -1, headDim])], `${p}.unstacked`);
  const byToken = graph.node('Transpose', [unstacked], `${p}.by_token`, { perm: [2, 0, 1, 3] });
  return graph.node('Reshape', [byToken, graph.ints([-1, heads * headDim])], `${p}.out`);
}
