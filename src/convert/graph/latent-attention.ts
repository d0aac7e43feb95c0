/** Multi-head latent attention in its absorbed form (see LatentAttention): grouped attention over one cached head. */
import type { LatentAttention } from '../architectures/decoder.ts';
import { type AttentionInputs, type AttentionShape, mix, rotated } from './attention.ts';
import type { GraphWriter, WeightForm } from './linear.ts';
import { rmsNorm } from './norm.ts';

/** x [n, hidden] -> [m, heads * rank], to be multiplied with `weights.output`. */
export async function latentAttention(
  graph: GraphWriter,
  layer: number,
  heads: number,
  weights: LatentAttention,
  x: string,
  shared: AttentionInputs,
  form: WeightForm,
  epsilon: number,
): Promise<string> {
  const p = `attn.${layer}`;
  const { rotated: turning, rank, queryDown, query, key, keyNorm, scale } = weights;
  let asked = x;
  if (queryDown) {
    await graph.linear(`${p}.q.down`, x, queryDown.matrix, form);
    asked = await rmsNorm(graph, `${p}.q.down.normed`, `${p}.q.down`, queryDown.norm, epsilon);
  }
  await graph.linear(`${p}.q.all`, asked, query, form);
  await graph.linear(`${p}.k.all`, x, key, form);
  const parts = [`${p}.k.turning`, `${p}.k.latent`];
  graph.node('Split', [`${p}.k.all`, graph.ints([turning, rank])], '', { axis: 1 }, parts);
  const latent = await rmsNorm(graph, `${p}.k.latent.normed`, `${p}.k.latent`, keyNorm, epsilon);
  const both = graph.node('Concat', [`${p}.q.all`, `${p}.k.turning`, latent], `${p}.qk`, { axis: 1 });

  const shape: AttentionShape = { heads, kvHeads: 1, headDim: turning + rank, scale, sinks: null };
  const { queries, keys } = rotated(graph, layer, shape, both, shared);
  const mixed = await mix(graph, layer, shape, { queries, keys, values: keys, past: null }, shared);
  const values = [`${p}.mixed.turning`, `${p}.mixed.latent`];
  graph.node('Split', [mixed, graph.ints([turning, rank])], '', { axis: 2 }, values);
  return graph.node('Reshape', [`${p}.mixed.latent`, graph.ints([-1, heads * rank])], `${p}.out`);
}
