/**
 * A layer for multi-token prediction as a `drafter` graph (docs/engine.md): one more decoder layer with a cache of its own,
 * which is given every token's state and the next token's embedding.
 */
import type { NextTokenLayer } from '../architectures/decoder.ts';
import type { GraphWriter, WeightForm } from './linear.ts';
import { rmsNorm } from './norm.ts';
import { type LayerSource, transformer } from './transformer.ts';

/**
 * hidden [n, hidden] (states before the model's last norm), next [n, hidden] and the inputs of attention -> token i64 [1],
 * probability f32 [1] of the one row in `select`; new_k.0 and new_v.0.
 */
export async function nextTokenDrafter(
  graph: GraphWriter,
  { dims, rope, mixerForm }: Pick<LayerSource, 'dims' | 'rope' | 'mixerForm'>,
  modelNorm: Float32Array,
  weights: NextTokenLayer,
  feedForward: LayerSource['feedForward'],
  headForm: WeightForm,
): Promise<void> {
  const { hidden, rmsEpsilon } = dims;
  const { builder } = graph;
  await transformer(
    graph,
    {
      dims: { ...dims, layers: 1 },
      rope,
      mixerForm,
      feedForward,
      layer: async () => weights.layer,
      input: async () => {
        builder.addInput('hidden', 'float32', ['n', hidden]);
        builder.addInput('next', 'float32', ['n', hidden]);
        const state = await rmsNorm(graph, 'state', 'hidden', modelNorm, rmsEpsilon);
        const parts = [
          await rmsNorm(graph, 'next.normed', 'next', weights.embeddingNorm, rmsEpsilon),
          await rmsNorm(graph, 'state.normed', state, weights.stateNorm, rmsEpsilon),
        ];
        graph.node('Concat', parts, 'both', { axis: 1 });
        await graph.linear('projected', 'both', weights.projection, mixerForm);
        return 'projected';
      },
      output: 'guess',
    },
    { isRouted: false },
  );
  const normed = await rmsNorm(graph, 'guess.normed', 'guess', weights.finalNorm, rmsEpsilon);
  await graph.linear('logits', normed, weights.head, headForm);
  graph.node('Softmax', ['logits'], 'probabilities', { axis: -1 });
  const one = graph.ints([1]);
  builder.addNode('TopK', ['probabilities', one], ['best.probability', 'best'], { axis: -1 });
  graph.node('Reshape', ['best', one], 'token');
  graph.node('Reshape', ['best.probability', one], 'probability');
  builder.addOutput('token', 'int64', [1]);
  builder.addOutput('probability', 'float32', [1]);
}
