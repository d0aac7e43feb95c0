/** The layers of a decoder as an ONNX graph: `body` or `routed` of docs/engine.md, by the feed-forward block it is given. */
import type { ModelDims } from '../../models/manifest.ts';
import type { MatrixSource } from '../weights.ts';
import { type AttentionInputs, attention } from './attention.ts';
import type { GraphWriter, WeightForm } from './linear.ts';

export interface LayerWeights {
  attentionNorm: Float32Array;
  /** Queries, keys and values one above the other: [(heads + 2 kvHeads) * headDim, hidden], with an optional bias. */
  qkv: MatrixSource;
  bias: Float32Array | null;
  output: MatrixSource;
  feedForwardNorm: Float32Array;
}

export interface LayerSource {
  dims: ModelDims;
  /** Weights of one layer; asked for one layer at a time. */
  layer(index: number): Promise<LayerWeights>;
  form(weight: MatrixSource): WeightForm;
  importance(index: number): { attentionIn: Float32Array; attentionOut: Float32Array } | undefined;
  /** Adds the feed-forward block of a layer: x [n, hidden] -> [n, hidden] named `name`. */
  feedForward(graph: GraphWriter, index: number, name: string, x: string): Promise<string>;
}

export async function transformer(
  graph: GraphWriter,
  source: LayerSource,
  { isRouted, signal }: { isRouted: boolean; signal?: AbortSignal | undefined },
): Promise<void> {
  const { dims } = source;
  const { layers, hidden, heads, kvHeads, headDim } = dims;
  const { builder } = graph;
  builder.addInput('x', 'float32', ['n', hidden]);
  builder.addInput('positions', 'int64', [1, 'n']);
  builder.addInput('mask_past', 'float32', [1, 1, 1, 'cap']);
  builder.addInput('mask_new', 'float32', [1, 1, 'gn', 'n']);
  builder.addInput('sizes', 'int64', [2]);
  builder.addInput('select', 'int64', ['m']);
  if (isRouted) builder.addInput('k', 'int64', [1]);
  for (let i = 0; i < layers; i++) {
    builder.addInput(`past_k.${i}`, 'float32', [1, kvHeads, 'cap', headDim]);
    builder.addInput(`past_v.${i}`, 'float32', [1, kvHeads, 'cap', headDim]);
  }
  const { cos, sin } = ropeTables(dims);
  const shared: AttentionInputs = {
    positions: 'positions',
    maskPast: 'mask_past',
    maskNew: 'mask_new',
    sizes: 'sizes',
    cos: await graph.floats('rope.cos', [dims.trainedContext, headDim / 2], cos),
    sin: await graph.floats('rope.sin', [dims.trainedContext, headDim / 2], sin),
    select: null,
  };

  let residual = 'x';
  let delta: string | null = null; // what the previous block adds to the residual
  for (let i = 0; i < layers; i++) {
    signal?.throwIfAborted();
    const weights = await source.layer(i);
    const importance = source.importance(i);
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
    if (i === layers - 1) {
      // Only the wanted rows go on: the others have given their keys and values, which is all they are for.
      sum = graph.node('Gather', [normed.sum, 'select'], 'last.residual', { axis: 0 });
      inputs = { ...shared, select: 'select', maskNew: selectedMask(graph, heads / kvHeads) };
    }
    const qkv = `qkv.${i}`;
    await graph.linear(qkv, normed.out, weights.qkv, source.form(weights.qkv), {
      ...(weights.bias ? { bias: weights.bias } : {}),
      importance: importance?.attentionIn,
    });
    const attended = attention(graph, i, dims, qkv, inputs);
    const output = `output.${i}`;
    await graph.linear(output, attended, weights.output, source.form(weights.output), {
      importance: importance?.attentionOut,
    });
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
  for (let i = 0; i < layers; i++) {
    builder.addOutput(`new_k.${i}`, 'float32', [1, kvHeads, 'n', headDim]);
    builder.addOutput(`new_v.${i}`, 'float32', [1, kvHeads, 'n', headDim]);
  }
}

/** The rows `select` [m] of mask_new [1, 1, group*n, n], in every group: [1, 1, group*m, n]. */
function selectedMask(graph: GraphWriter, group: number): string {
  const cube = graph.node('Reshape', ['mask_new', graph.ints([1, group, -1, 0])], 'last.mask.cube');
  const picked = graph.node('Gather', [cube, 'select'], 'last.mask.picked', { axis: 2 });
  return graph.node('Reshape', [picked, graph.ints([1, 1, -1, 0])], 'last.mask');
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

/** Final norm and output projection: hidden [m, hidden] -> logits [m, vocab]. */
export async function head(
  graph: GraphWriter,
  dims: ModelDims,
  norm: Float32Array,
  weight: MatrixSource,
  form: WeightForm,
): ReturnType<GraphWriter['linear']> {
  graph.builder.addInput('hidden', 'float32', ['m', dims.hidden]);
  const { out } = await addAndNorm(graph, 'norm.final', 'hidden', null, norm, dims.rmsEpsilon);
  const placed = await graph.linear('logits', out, weight, form);
  graph.builder.addOutput('logits', 'float32', ['m', dims.vocab]);
  return placed;
}
