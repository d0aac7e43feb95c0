/**
 * A layer that guesses the token after next as a `drafter` graph (docs/engine.md): one more decoder layer with a cache of its
 * own, which is given tokens' states and the embeddings of those behind them.
 */
import type { NextTokenLayer } from '../architectures/decoder.ts';
import type { GraphWriter, WeightForm } from './linear.ts';
import { rmsNorm } from './norm.ts';
import { type LayerSource, transformer } from './transformer.ts';

/**
 * next [n, hidden], taps [n, taps * hidden] where the layer has any, hidden [n, hidden] (states before the model's last norm)
 * and the inputs of attention -> token i64 [1], probability f32 [1] of the one row in `select`; `state` [1, hidden]
 * of that row; new_k.0 and new_v.0. A layer that goes on takes its state as the input `own` [n, hidden] of the next: of rows with
 * `own` the model's states are zeros, of others `own` is, which is as if their part of the projection were not there.
 */
export async function nextTokenDrafter(
  graph: GraphWriter,
  { dims, rope, mixerForm }: Pick<LayerSource, 'dims' | 'rope' | 'mixerForm'>,
  weights: NextTokenLayer,
  feedForward: LayerSource['feedForward'],
  headForm: WeightForm,
): Promise<void> {
  const { hidden, rmsEpsilon } = dims;
  const { builder, data } = graph;
  await transformer(
    graph,
    {
      dims: { ...dims, layers: 1 },
      rope,
      mixerForm,
      feedForward,
      layer: async () => weights.layer,
      input: async () => {
        const { taps, inputNorms, goesOn } = weights;
        const tapped = taps.map(layer => `tap.${layer}`);
        if (taps.length > 0) {
          builder.addInput('taps', 'float32', ['n', taps.length * hidden]);
          builder.addNode('Split', ['taps'], tapped, { axis: 1, num_outputs: taps.length });
        }
        const parts: string[] = [];
        for (const [i, input] of ['next', ...tapped, 'hidden', ...(goesOn ? ['own'] : [])].entries()) {
          let x = tapped.includes(input) ? input : builder.addInput(input, 'float32', ['n', hidden]);
          for (const [n, norm] of inputNorms[i]!.entries())
            x = await rmsNorm(graph, `${input}.normed.${n}`, x, norm, rmsEpsilon);
          parts.push(x);
        }
        graph.node('Concat', parts, 'inputs', { axis: 1 });
        await graph.linear('projected', 'inputs', weights.projection, mixerForm);
        return 'projected';
      },
      output: 'state',
    },
    { isRouted: false },
  );
  const normed = await rmsNorm(graph, 'guess.normed', 'state', weights.finalNorm, rmsEpsilon);
  const { guesses } = weights;
  await graph.linear('logits', normed, weights.head, headForm, guesses ? { bias: guesses.bias } : {});
  graph.node('Softmax', ['logits'], 'probabilities', { axis: -1 });
  const one = graph.ints([1]);
  builder.addNode('TopK', ['probabilities', one], ['best.probability', 'best'], { axis: -1 });
  let best = 'best';
  if (guesses) {
    const { tokens } = guesses;
    builder.addExternal(
      'tokens',
      'int64',
      [tokens.length],
      await data.write(BigInt64Array.from(tokens, BigInt)),
    );
    best = graph.node('Gather', ['tokens', best], 'best.token', { axis: 0 });
  }
  graph.node('Reshape', [best, one], 'token');
  graph.node('Reshape', ['best.probability', one], 'probability');
  builder.addOutput('token', 'int64', [1]);
  builder.addOutput('probability', 'float32', [1]);
}
