/** The layers of a decoder as an ONNX graph: `body` or `routed` of docs/engine.md, by the feed-forward block it is given. */
import type { ModelDims } from '../../models/manifest.ts';
import type { Decoder, DecoderLayer, GroupedAttention } from '../architectures/decoder.ts';
import { type Rope, ropeTables } from '../rope.ts';
import {
  concatFloats,
  type MatrixSource,
  permutedColumns,
  permutedRows,
  pickRows,
  stacked,
} from '../weights.ts';
import { type AttentionInputs, attention, groupedHeads } from './attention.ts';
import { convolution } from './convolution.ts';
import { latentAttention } from './latent-attention.ts';
import type { GraphWriter, PlacedWeight, WeightForm } from './linear.ts';
import { addAndNorm } from './norm.ts';

export interface LayerSource extends Pick<Decoder, 'dims' | 'rope'> {
  /** Makes the first layer's input [n, hidden] of other inputs of the graph; without it that is the graph's input `x`. */
  input?: (graph: GraphWriter) => Promise<string>;
  /** Name of the last layer's output [m, hidden]; default `hidden`. */
  output?: string;
  /** One layer's weights but those of its feed-forward block; asked for one layer at a time. */
  layer(index: number): Promise<Omit<DecoderLayer, 'feedForward'>>;
  /** How the products of attention and convolutions are stored. */
  mixerForm: WeightForm;
  /** Adds the feed-forward block of a layer: x [n, hidden] -> [n, hidden] named `name`. */
  feedForward(graph: GraphWriter, index: number, name: string, x: string): Promise<string>;
}

export interface TransformerOptions {
  isRouted: boolean;
  /** Layers whose input states are put out as well, for the drafter. */
  taps?: readonly number[];
  /** The first layer, and the one behind the last; default all. A graph that ends before the model does puts out `state`. */
  from?: number;
  to?: number;
  signal?: AbortSignal | undefined;
}

export async function transformer(
  graph: GraphWriter,
  source: LayerSource,
  { isRouted, taps = [], from = 0, to = source.dims.layers, signal }: TransformerOptions,
): Promise<void> {
  const { layers, hidden, rmsEpsilon } = source.dims;
  const { builder } = graph;
  const first = source.input ? await source.input(graph) : builder.addInput('x', 'float32', ['n', hidden]);
  if (isRouted) builder.addInput('k', 'int64', [layers]);
  const inputs = await attentionInputs(graph, source);

  let residual = first;
  let delta: string | null = null; // what the previous block adds to the residual
  const tapped: string[] = [];
  const caches: CacheOutput[] = [];
  for (let i = from; i < to; i++) {
    signal?.throwIfAborted();
    const weights = await source.layer(i);
    const normed = await addAndNorm(graph, `norm.attn.${i}`, residual, delta, weights.mixerNorm, rmsEpsilon);
    let { sum } = normed;
    if (taps.includes(i)) tapped.push(graph.node('Gather', [normed.sum, 'select'], `tap.${i}`, { axis: 0 }));
    const isLast = i === layers - 1;
    // Only the wanted rows go on: the others have given their keys and values, which is all they are for.
    if (isLast) sum = graph.node('Gather', [normed.sum, 'select'], 'last.residual', { axis: 0 });
    const mixed = await mixer(graph, i, source, weights, normed.out, inputs(weights.mixer, isLast));
    caches.push(...cacheOutputs(i, weights.mixer, source.dims));
    const between = await addAndNorm(graph, `norm.ffn.${i}`, sum, mixed, weights.feedForwardNorm, rmsEpsilon);
    residual = between.sum;
    delta = await source.feedForward(graph, i, `ffn.${i}`, between.out);
  }
  const isWhole = to === layers;
  const output = graph.node('Add', [residual, delta!], isWhole ? (source.output ?? 'hidden') : 'state');
  builder.addOutput(output, 'float32', [isWhole ? 'm' : 'n', hidden]);
  if (tapped.length > 0) {
    graph.node('Concat', tapped, 'taps', { axis: 1 });
    builder.addOutput('taps', 'float32', ['m', tapped.length * hidden]);
  }
  for (const { name, dims } of caches) builder.addOutput(name, 'float32', dims);
}

/** Inputs and tables of attention; a function of the layer's kind and of whether only selected rows go on. */
async function attentionInputs(
  graph: GraphWriter,
  { dims, rope }: LayerSource,
): Promise<(mixer: DecoderLayer['mixer'], isLast: boolean) => AttentionInputs> {
  const { builder } = graph;
  builder.addInput('positions', 'int64', [1, 'n']);
  builder.addInput('select', 'int64', ['m']);
  const range = (past: AttentionInputs['past'], suffix: string) => {
    builder.addInput(`mask${suffix}`, 'float32', [`rows${suffix}`, `all${suffix}`]);
    builder.addInput(`mask_selected${suffix}`, 'float32', [`rows_selected${suffix}`, `all${suffix}`]);
    builder.addInput(`sizes${suffix}`, 'int64', [2]);
    return (isLast: boolean) => ({
      mask: `mask${isLast ? '_selected' : ''}${suffix}`,
      sizes: `sizes${suffix}`,
      select: isLast ? 'select' : null,
      past,
    });
  };
  const all = range('past', '');
  const windowed = dims.slidingWindow === undefined ? null : range('window', '_window');
  const tables = rope && (await ropeConstants(graph, rope, dims.trainedContext));
  return (mixer, isLast) => ({
    positions: 'positions',
    rope: tables,
    ...(mixer.kind === 'grouped' && mixer.isWindowed ? windowed! : all)(isLast),
  });
}

export async function ropeConstants(
  graph: GraphWriter,
  rope: Rope,
  positions: number,
): Promise<NonNullable<AttentionInputs['rope']>> {
  const pairs = rope.frequencies.length;
  const { cos, sin } = ropeTables(rope, positions);
  return {
    cos: await graph.floats('rope.cos', [positions, pairs], cos),
    sin: await graph.floats('rope.sin', [positions, pairs], sin),
    pairs,
  };
}

/** What layer `index` adds to its input: [m, hidden] by the name that is returned. */
async function mixer(
  graph: GraphWriter,
  index: number,
  { dims, mixerForm }: LayerSource,
  { mixer: weights }: Pick<DecoderLayer, 'mixer'>,
  x: string,
  inputs: AttentionInputs,
): Promise<string> {
  const output = `output.${index}`;
  switch (weights.kind) {
    case 'grouped': {
      const { matrix, bias } = queryKeyValue(weights, dims);
      await graph.linear(`qkv.${index}`, x, matrix, mixerForm, bias ? { bias } : {});
      const shape = { ...dims, scale: weights.scale, sinks: weights.sinks };
      const norms = weights.norms && { ...ordered(weights.norms, dims), epsilon: dims.rmsEpsilon };
      const attended = await attention(graph, index, shape, `qkv.${index}`, inputs, norms);
      const byGroup = permutedColumns(weights.output, groupedHeads(dims), dims.headDim);
      await graph.linear(output, attended, byGroup, mixerForm, biasOf(weights.outputBias));
      return output;
    }
    case 'latent': {
      const { heads, rmsEpsilon } = dims;
      const attended = await latentAttention(graph, index, heads, weights, x, inputs, mixerForm, rmsEpsilon);
      await graph.linear(output, attended, weights.output, mixerForm);
      return output;
    }
    case 'convolution': {
      const all = await convolution(graph, index, dims.hidden, weights, x, mixerForm);
      const wanted = inputs.select
        ? graph.node('Gather', [all, inputs.select], `${all}.selected`, { axis: 0 })
        : all;
      await graph.linear(output, wanted, weights.output, mixerForm, biasOf(weights.outputBias));
      return output;
    }
  }
}

const biasOf = (bias: Float32Array | null) => (bias ? { bias } : {});

interface CacheOutput {
  name: string;
  dims: (number | string)[];
}

/** Outputs with the rows that a layer's cache grows by; see addPast for the inputs. */
function cacheOutputs(layer: number, mixer: DecoderLayer['mixer'], dims: ModelDims): CacheOutput[] {
  const width = dims.kvHeads * dims.headDim;
  const keys = { name: `new_k.${layer}`, dims: [1, 'n', width] };
  switch (mixer.kind) {
    case 'grouped':
      return [keys, { name: `new_v.${layer}`, dims: ['n', width] }];
    case 'latent':
      return [keys];
    case 'convolution':
      return [{ name: `new_conv.${layer}`, dims: ['n', dims.hidden] }];
  }
}

/** Queries, keys and values one above the other, so that they are one product; query heads in the order attention wants. */
function queryKeyValue(
  { query, key, value, biases }: GroupedAttention,
  dims: ModelDims,
): { matrix: MatrixSource; bias: Float32Array | null } {
  const order = groupedHeads(dims);
  const matrix = stacked([permutedRows(query, order, dims.headDim), key, value]);
  if (!biases) return { matrix, bias: null };
  const queryBias = pickRows(biases.query, dims.headDim, order);
  return { matrix, bias: concatFloats([queryBias, biases.key, biases.value]) };
}

/** Norm weights that differ from head to head, in the order of the heads. */
function ordered(
  { query, key }: NonNullable<GroupedAttention['norms']>,
  dims: ModelDims,
): { query: Float32Array; key: Float32Array } {
  const isWhole = query.length !== dims.headDim;
  return { query: isWhole ? pickRows(query, dims.headDim, groupedHeads(dims)) : query, key };
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
