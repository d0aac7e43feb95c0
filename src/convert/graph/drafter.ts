/** The drafter as an ONNX graph, `drafter` of docs/engine.md: one linear map before a few rows of the output projection. */
import type { ModelDims } from '../../models/manifest.ts';
import type { DrafterWeights } from '../drafter.ts';
import { type MatrixSource, memoryMatrix, permutedRows } from '../weights.ts';
import type { GraphWriter, WeightForm } from './linear.ts';

/** taps [1, taps * hidden], hidden [1, hidden], next [1, hidden] -> token i64 [1], probability f32 [1]. */
export async function drafter(
  graph: GraphWriter,
  dims: ModelDims,
  { taps, tokens, bias, gain, weight }: DrafterWeights,
  head: MatrixSource,
  form: WeightForm,
): Promise<void> {
  const { hidden, rmsEpsilon } = dims;
  const { builder } = graph;
  const normed = async (state: string, gains: Float32Array) => {
    const name = `${state}.normed`;
    const scale = await graph.floats(`${name}.gain`, [hidden], gains);
    const attributes = { axis: -1, epsilon: { float: rmsEpsilon } };
    return graph.node('SimplifiedLayerNormalization', [state, scale], name, attributes);
  };
  const states = [...taps.map(layer => `tap.${layer}`), 'hidden'];
  if (taps.length > 0) {
    builder.addInput('taps', 'float32', [1, taps.length * hidden]);
    builder.addNode('Split', ['taps'], states.slice(0, -1), { axis: 1, num_outputs: taps.length });
  }
  builder.addInput('hidden', 'float32', [1, hidden]);
  builder.addInput('next', 'float32', [1, hidden]);
  const inputs: string[] = [];
  for (const [i, state] of states.entries()) {
    inputs.push(await normed(state, gain.subarray(i * hidden, (i + 1) * hidden)));
  }
  inputs.push(await normed('next', new Float32Array(hidden).fill(1)));
  graph.node('Concat', inputs, 'inputs', { axis: 1 });
  await graph.linear('guess', 'inputs', memoryMatrix(weight, inputs.length * hidden), form);
  await graph.linear('logits', 'guess', permutedRows(head, [...tokens], 1), form, { bias });
  graph.node('Softmax', ['logits'], 'probabilities', { axis: -1 });
  builder.addNode('TopK', ['probabilities', graph.ints([1])], ['best.probability', 'best'], { axis: -1 });
  const ids = BigInt64Array.from(tokens, BigInt);
  builder.addExternal('tokens', 'int64', [tokens.length], await graph.data.write(ids));
  graph.node('Gather', ['tokens', 'best'], 'best.token', { axis: 0 });
  const flat = graph.ints([1]);
  graph.node('Reshape', ['best.token', flat], 'token');
  graph.node('Reshape', ['best.probability', flat], 'probability');
  builder.addOutput('token', 'int64', [1]);
  builder.addOutput('probability', 'float32', [1]);
}
