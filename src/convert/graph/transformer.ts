/** The layers of a decoder as an ONNX graph: `body` or `routed` of docs/engine.md, by the feed-forward block it is given. */
import type { ModelDims } from '../../models/manifest.ts';
import {
  concatFloats,
  type MatrixSource,
  permutedColumns,
  permutedRows,
  pickRows,
  stacked,
} from '../weights.ts';
import { type AttentionInputs, attention, groupedHeads } from './attention.ts';
import type { GraphWriter, PlacedWeight, WeightForm } from './linear.ts';

export interface LayerWeights {
  attentionNorm: Float32Array;
  /** [heads * headDim, hidden], then twice [kvHeads * headDim, hidden]; with biases or without. */
  query: MatrixSource;
  key: MatrixSource;
  value: MatrixSource;
  biases: { query: Float32Array; key: Float32Array; value: Float32Array } | null;
  output: MatrixSource;
  feedForwardNorm: Float32Array;
}

export interface LayerSource {
  dims: ModelDims;
  /** Weights of one layer; asked for one layer at a time. */
  layer(index: number): Promise<LayerWeights>;
  /** How the attention's products are stored. */
  attentionForm: WeightForm;
  /** Adds the feed-forward block of a layer: x [n, hidden] -> [n, hidden] named `name`. */
  feedForward(graph: GraphWriter, index: number, name: string, x: string): Promise<string>;
}

export interface TransformerOptions {
  isRouted: boolean;
  /** Layers whose input states are put out as well, for the drafter. */
  taps?: readonly number[];
  signal?: AbortSignal | undefined;
}

export async function transformer(
  graph: GraphWriter,
  source: LayerSource,
  { isRouted, taps = [], signal }: TransformerOptions,
): Promise<void> {
  const { dims } = source;
  const { layers, hidden, kvHeads, headDim } = dims;
  const { builder } = graph;
  builder.addInput('x', 'float32', ['n', hidden]);
  builder.addInput('positions', 'int64', [1, 'n']);
  builder.addInput('mask', 'float32', ['rows', 'all']);
  builder.addInput('mask_selected', 'float32', ['rows_selected', 'all']);
  builder.addInput('sizes', 'int64', [2]);
  builder.addInput('select', 'int64', ['m']);
  if (isRouted) builder.addInput('k', 'int64', [1]);
  for (let i = 0; i < layers; i++) {
    builder.addInput(`past_k.${i}`, 'float32', ['past', kvHeads, headDim]);
    builder.addInput(`past_v.${i}`, 'float32', ['past', kvHeads, headDim]);
  }
  const { cos, sin } = ropeTables(dims);
  const shared: AttentionInputs = {
    positions: 'positions',
    mask: 'mask',
    sizes: 'sizes',
    cos: await graph.floats('rope.cos', [dims.trainedContext, headDim / 2], cos),
    sin: await graph.floats('rope.sin', [dims.trainedContext, headDim / 2], sin),
    select: null,
  };

  let residual = 'x';
  let delta: string | null = null; // what the previous block adds to the residual
  const tapped: string[] = [];
  for (let i = 0; i < layers; i++) {
    signal?.throwIfAborted();
    const weights = await source.layer(i);
    const normed = await addAndNorm(
      graph,
      `norm.attn.${i}`,
      residual,
      delta,
      weights.attentionNorm,
      dims.rmsEpsilon,
    );
    let { sum } = normed;
    let inputs = shared;
    if (taps.includes(i)) tapped.push(graph.node('Gather', [normed.sum, 'select'], `tap.${i}`, { axis: 0 }));
    if (i === layers - 1) {
      // Only the wanted rows go on: the others have given their keys and values, which is all they are for.
      sum = graph.node('Gather', [normed.sum, 'select'], 'last.residual', { axis: 0 });
      inputs = { ...shared, select: 'select', mask: 'mask_selected' };
    }
    const qkv = `qkv.${i}`;
    const { matrix, bias } = queryKeyValue(weights, dims);
    await graph.linear(qkv, normed.out, matrix, source.attentionForm, bias ? { bias } : {});
    const attended = attention(graph, i, dims, qkv, inputs);
    const output = `output.${i}`;
    const byGroup = permutedColumns(weights.output, groupedHeads(dims), headDim);
    await graph.linear(output, attended, byGroup, source.attentionForm);
    const between = await addAndNorm(
      graph,
      `norm.ffn.${i}`,
      sum,
      output,
      weights.feedForwardNorm,
      dims.rmsEpsilon,
    );
    residual = between.sum;
    delta = await source.feedForward(graph, i, `ffn.${i}`, between.out);
  }
  graph.node('Add', [residual, delta!], 'hidden');
  builder.addOutput('hidden', 'float32', ['m', hidden]);
  if (tapped.length > 0) {
    graph.node('Concat', tapped, 'taps', { axis: 1 });
    builder.addOutput('taps', 'float32', ['m', tapped.length * hidden]);
  }
  for (let i = 0; i < layers; i++) {
    builder.addOutput(`new_k.${i}`, 'float32', [1, 'n', kvHeads * headDim]);
    builder.addOutput(`new_v.${i}`, 'float32', ['n', kvHeads * headDim]);
  }
}

/** Queries, keys and values one above the other, so that they are one product; query heads in the order attention wants. */
function queryKeyValue(
  { query, key, value, biases }: LayerWeights,
  dims: ModelDims,
): { matrix: MatrixSource; bias: Float32Array | null } {
  const order = groupedHeads(dims);
  const matrix = stacked([permutedRows(query, order, dims.headDim), key, value]);
  if (!biases) return { matrix, bias: null };
  const queryBias = pickRows(biases.query, dims.headDim, order);
  return { matrix, bias: concatFloats([queryBias, biases.key, biases.value]) };
}

/** sum = residual + delta, out = RMSNorm(sum), in one node where there is a delta. */
async function addAndNorm(
  graph: GraphWriter,
  name: string,
  residual: string,
  delta: string | null,
  gamma: Float32Array,
  epsilon: number,
): Promise<{ out: string; sum: string }> {
  const weight = await graph.floats(`${name}.weight`, [gamma.length], gamma);
  if (delta === null) {
    const attributes = { axis: -1, epsilon: { float: epsilon } };
    return {
      out: graph.node('SimplifiedLayerNormalization', [residual, weight], name, attributes),
      sum: residual,
    };
  }
  const outputs = [name, '', '', `${name}.sum`];
  graph.contrib(
    'SkipSimplifiedLayerNormalization',
    [residual, delta, weight],
    name,
    { epsilon: { float: epsilon } },
    outputs,
  );
  return { out: name, sum: `${name}.sum` };
}

/** cos and sin [trainedContext, headDim/2] of position * theta^(-2j/headDim): half-rotate (NeoX) RoPE. */
function ropeTables({ trainedContext, headDim, ropeTheta }: ModelDims): {
  cos: Float32Array;
  sin: Float32Array;
} {
  const half = headDim / 2;
  const cos = new Float32Array(trainedContext * half);
  const sin = new Float32Array(trainedContext * half);
  for (let j = 0; j < half; j++) {
    const frequency = ropeTheta ** ((-2 * j) / headDim);
    for (let position = 0; position < trainedContext; position++) {
      cos[position * half + j] = Math.cos(position * frequency);
      sin[position * half + j] = Math.sin(position * frequency);
    }
  }
  return { cos, sin };
}

/** Final norm and output projection: hidden [m, hidden] -> normed [m, hidden], logits [m, vocab]. */
export async function head(
  graph: GraphWriter,
  dims: ModelDims,
  norm: Float32Array,
  weight: MatrixSource,
  form: WeightForm,
): Promise<PlacedWeight> {
  graph.builder.addInput('hidden', 'float32', ['m', dims.hidden]);
  const { out } = await addAndNorm(graph, 'normed', 'hidden', null, norm, dims.rmsEpsilon);
  const placed = await graph.linear('logits', out, weight, form);
  graph.builder.addOutput('normed', 'float32', ['m', dims.hidden]);
  graph.builder.addOutput('logits', 'float32', ['m', dims.vocab]);
  return placed;
}
