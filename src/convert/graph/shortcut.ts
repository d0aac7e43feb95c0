/** What one linear map says of the last layers' keys and values as a graph: docs/moe.md. */
import type { ModelDims } from '../../models/manifest.ts';
import type { Rope } from '../rope.ts';
import { type MatrixSource, permutedRows, pickRows } from '../weights.ts';
import type { GraphWriter, WeightForm } from './linear.ts';
import { rmsNorm } from './norm.ts';
import { ropeConstants } from './transformer.ts';

/** Of the layers from `first` on; W = kvHeads * headDim. */
export interface Shortcut {
  first: number;
  /** RMSNorm weights of the state that layer `first` is given, [hidden]. */
  gains: Float32Array;
  /** [2 * layers * W, hidden]: of each layer its keys before RoPE, then its values. */
  matrix: MatrixSource;
  /** [2 * layers * W], the model's own biases of keys and values included. */
  bias: Float32Array;
}

/** x [n, hidden], positions i64 [1, n] -> new_k.{i} [1, n, W], new_v.{i} [n, W] of each layer. */
export async function shortcutGraph(
  graph: GraphWriter,
  { dims, rope }: { dims: ModelDims; rope: Rope },
  { first, gains, matrix, bias }: Shortcut,
  form: WeightForm,
): Promise<void> {
  const { builder } = graph;
  const layers = Array.from({ length: dims.layers - first }, (_, i) => first + i);
  const width = dims.kvHeads * dims.headDim;
  const all = layers.length * width;
  builder.addInput('x', 'float32', ['n', dims.hidden]);
  builder.addInput('positions', 'int64', [1, 'n']);
  const normed = await rmsNorm(graph, 'normed', 'x', gains, dims.rmsEpsilon);
  // All keys before all values, so that they are rotated at once.
  const order = [...layers.map((_, i) => 2 * i), ...layers.map((_, i) => 2 * i + 1)];
  const told = { matrix: permutedRows(matrix, order, width), bias: pickRows(bias, width, order) };
  await graph.linear('told', normed, told.matrix, form, { bias: told.bias });
  graph.node('Split', ['told', graph.ints([all, all])], '', { axis: 1 }, ['keys', 'values']);
  const { cos, sin, pairs } = await ropeConstants(graph, rope, dims.trainedContext);
  const batch = graph.node('Reshape', ['keys', graph.ints([1, -1, all])], 'keys.batch');
  const isPartial = 2 * pairs < dims.headDim;
  const partial = { rotary_embedding_dim: 2 * pairs, num_heads: layers.length * dims.kvHeads };
  graph.contrib('RotaryEmbedding', [batch, 'positions', cos, sin], 'keys.rotated', isPartial ? partial : {});
  const sizes = graph.ints(layers.map(() => width));
  const names = (part: string) => layers.map(layer => `new_${part}.${layer}`);
  graph.node('Split', ['keys.rotated', sizes], '', { axis: 2 }, names('k'));
  graph.node('Split', ['values', sizes], '', { axis: 1 }, names('v'));
  for (const name of names('k')) builder.addOutput(name, 'float32', [1, 'n', width]);
  for (const name of names('v')) builder.addOutput(name, 'float32', ['n', width]);
}
