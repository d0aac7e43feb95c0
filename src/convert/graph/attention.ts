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
  /** [2]: rows of the past, n. */
  sizes: string;
  /** [positions, pairs]; null where nothing is rotated. */
  rope: { cos: string; sin: string; pairs: number } | null;
  /** Name of the indices [m] of the rows that go on; null for all n. */
  select: string | null;
  /** How many rows of the past are fed: all of them, or those of the sliding window. */
  past: 'past' | 'window';
}

/** Widths of one layer's attention. */
export interface AttentionShape {
  heads: number;
  kvHeads: number;
  headDim: number;
  scale: number;
  /** [heads], see GroupedAttention; null without. */
  sinks: Float32Array | null;
}

/**
 * `projected` [n, (heads + 2 kvHeads) * headDim]: queries, keys and values before RoPE, head by head; the query heads in
 * the order of `groupedHeads`. Returns the value [m, heads*headDim], its heads in that order too; defines the inputs
 * past_k.{layer} and past_v.{layer} and the outputs new_k.{layer} [1, n, kvHeads*headDim] and new_v.{layer} [n, kvHeads*headDim].
 */
export async function attention(
  graph: GraphWriter,
  layer: number,
  shape: AttentionShape,
  projected: string,
  shared: AttentionInputs,
  norms: HeadNorms | null = null,
): Promise<string> {
  const { heads, kvHeads, headDim } = shape;
  const p = `attn.${layer}`;
  const [width, kvWidth] = [heads * headDim, kvHeads * headDim];
  const newValue = `new_v.${layer}`;
  graph.node('Split', [projected, graph.ints([width + kvWidth, kvWidth])], '', { axis: 1 }, [
    `${p}.qk`,
    newValue,
  ]);
  const queriesAndKeys = norms ? await normHeads(graph, p, shape, norms) : `${p}.qk`;
  const { queries, keys } = rotated(graph, layer, shape, queriesAndKeys, shared);
  const past = addPast(graph, 'v', layer, shared.past, [kvHeads, headDim]);
  const values = graph.node('Reshape', [newValue, graph.ints([-1, kvHeads, headDim])], `${p}.v.by_head`);
  const mixed = await mix(graph, layer, shape, { queries, keys, values, past }, shared);
  return graph.node('Reshape', [mixed, graph.ints([-1, width])], `${p}.out`);
}

/** RMSNorm weights of queries and keys: [headDim], or one for all heads together. */
export interface HeadNorms {
  query: Float32Array;
  key: Float32Array;
  epsilon: number;
}

/** `${p}.qk` [n, (heads + kvHeads) * headDim] with its heads normed, each alone or all together. */
async function normHeads(
  graph: GraphWriter,
  p: string,
  { heads, kvHeads, headDim }: AttentionShape,
  { query, key, epsilon }: HeadNorms,
): Promise<string> {
  const [width, kvWidth] = [heads * headDim, kvHeads * headDim];
  graph.node('Split', [`${p}.qk`, graph.ints([width, kvWidth])], '', { axis: 1 }, [
    `${p}.q.raw`,
    `${p}.k.raw`,
  ]);
  const normed = async (raw: string, weight: Float32Array, outer: number) => {
    const gamma = await graph.floats(`${raw}.norm`, [weight.length], weight);
    const attributes = { axis: -1, epsilon: { float: epsilon } };
    const rows = graph.node('Reshape', [raw, graph.ints([-1, weight.length])], `${raw}.rows`);
    const out = graph.node('SimplifiedLayerNormalization', [rows, gamma], `${raw}.normed`, attributes);
    return graph.node('Reshape', [out, graph.ints([-1, outer])], `${raw}.flat`);
  };
  const parts = [await normed(`${p}.q.raw`, query, width), await normed(`${p}.k.raw`, key, kvWidth)];
  return graph.node('Concat', parts, `${p}.qk.normed`, { axis: 1 });
}

/**
 * `queriesAndKeys` [n, (heads + kvHeads) * headDim], rotated; those queries that go on [m*G, kvHeads, headDim] and all
 * keys [n, kvHeads, headDim]. Defines the output new_k.{layer} [1, n, kvHeads*headDim].
 */
export function rotated(
  graph: GraphWriter,
  layer: number,
  { heads, kvHeads, headDim }: AttentionShape,
  queriesAndKeys: string,
  { positions, rope, select }: AttentionInputs,
): { queries: string; keys: string } {
  const p = `attn.${layer}`;
  const [width, kvWidth] = [heads * headDim, kvHeads * headDim];
  let batch = graph.node('Reshape', [queriesAndKeys, graph.ints([1, -1, width + kvWidth])], `${p}.batch`);
  if (rope) {
    const isPartial = 2 * rope.pairs < headDim;
    const partial = { rotary_embedding_dim: 2 * rope.pairs, num_heads: heads + kvHeads };
    const inputs = [batch, positions, rope.cos, rope.sin];
    batch = graph.contrib('RotaryEmbedding', inputs, `${p}.rotated`, isPartial ? partial : {});
  }
  const newKey = `new_k.${layer}`;
  graph.node('Split', [batch, graph.ints([width, kvWidth])], '', { axis: 2 }, [`${p}.q`, newKey]);
  const query = select ? graph.node('Gather', [`${p}.q`, select], `${p}.q.selected`, { axis: 1 }) : `${p}.q`;
  const byHead = (x: string, name: string) =>
    graph.node('Reshape', [x, graph.ints([-1, kvHeads, headDim])], name);
  return { queries: byHead(query, `${p}.q.by_head`), keys: byHead(newKey, `${p}.k.by_head`) };
}

/** Input past_{part}.{layer}: rows of earlier runs, [rows, ...shape]. */
export function addPast(
  graph: GraphWriter,
  part: 'k' | 'v' | 'conv',
  layer: number,
  rows: AttentionInputs['past'] | number,
  shape: number[],
): string {
  return graph.builder.addInput(`past_${part}.${layer}`, 'float32', [rows, ...shape]);
}

/**
 * Scores, weights and the weighted sum of the values [m*G, kvHeads, headDim]. `values` [n, kvHeads, headDim] and `past`
 * of that kind may be the keys themselves. Defines the input past_k.{layer}.
 */
export async function mix(
  graph: GraphWriter,
  layer: number,
  shape: AttentionShape,
  { queries, keys, values, past }: { queries: string; keys: string; values: string; past: string | null },
  { mask, sizes, past: rows }: AttentionInputs,
): Promise<string> {
  const p = `attn.${layer}`;
  const { kvHeads, headDim, scale } = shape;
  const pastKeys = addPast(graph, 'k', layer, rows, [kvHeads, headDim]);
  const scaled = { transBatchA: 1, transBatchB: 1, transB: 1, alpha: { float: scale } };
  const early = graph.contrib('FusedMatMul', [queries, pastKeys], `${p}.past`, scaled);
  const recent = graph.contrib('FusedMatMul', [queries, keys], `${p}.recent`, scaled);
  const all = graph.node('Concat', [early, recent], `${p}.all`, { axis: 2 });
  let scores = graph.node('Add', [all, mask], `${p}.scores`);
  let split = sizes;
  const parts = [`${p}.weights.past`, `${p}.weights.recent`];
  if (shape.sinks) {
    scores = await withSinks(graph, p, shape, shape.sinks, scores);
    split = graph.node('Concat', [sizes, graph.ints([1])], `${p}.sizes`, { axis: 0 });
    parts.push(`${p}.weights.sink`);
  }
  const weights = graph.node('Softmax', [scores], `${p}.weights`, { axis: -1 });
  graph.node('Split', [weights, split], '', { axis: 2 }, parts);
  const product = (part: string, x: string) =>
    graph.contrib('FusedMatMul', [`${p}.weights.${part}`, x], `${p}.from_${part}`, { transBatchB: 1 });
  const fromPast = product('past', past ?? pastKeys);
  const fromRecent = product('recent', values);
  const sum = graph.node('Add', [fromPast, fromRecent], `${p}.sum`); // [kvHeads, m*G, headDim]
  return graph.node('Transpose', [sum], `${p}.by_row`, { perm: [1, 0, 2] });
}

/** One more column of scores, the same for every row: [kvHeads, m*G, past + n + 1]. */
async function withSinks(
  graph: GraphWriter,
  p: string,
  { heads, kvHeads }: AttentionShape,
  sinks: Float32Array,
  scores: string,
): Promise<string> {
  const group = heads / kvHeads;
  const byHead = await graph.floats(`${p}.sinks`, [kvHeads, 1, group, 1], sinks);
  const ends = [graph.ints([0]), graph.ints([1]), graph.ints([2])];
  const first = graph.node('Slice', [scores, ...ends], `${p}.first`);
  const zeros = graph.node('Sub', [first, first], `${p}.zeros`);
  const grouped = graph.node('Reshape', [zeros, graph.ints([kvHeads, -1, group, 1])], `${p}.zeros.grouped`);
  const sink = graph.node('Add', [grouped, byHead], `${p}.sink`); // [kvHeads, m, G, 1]
  const column = graph.node('Reshape', [sink, graph.ints([kvHeads, -1, 1])], `${p}.sink.column`);
  return graph.node('Concat', [scores, column], `${p}.scores.with_sink`, { axis: 2 });
}

/**
 * Query heads as the graph wants them, by their place in the model: the first of every group, then the second, ... Rows of
 * a [m*G, kvHeads, headDim] tensor are then (token, place in the group), which no transposition has to bring about.
 */
export function groupedHeads({ heads, kvHeads }: Pick<ModelDims, 'heads' | 'kvHeads'>): number[] {
  const group = heads / kvHeads;
  return Array.from({ length: heads }, (_, i) => (i % kvHeads) * group + Math.floor(i / kvHeads));
}
