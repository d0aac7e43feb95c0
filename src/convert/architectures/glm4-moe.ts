/**
 * GLM-4.5 and GLM-4.5-Air: the first layers dense, then routed experts beside a shared one; half of each head is rotated.
 * Source: transformers, models/glm4_moe; of the layer for multi-token prediction behind the last one, which transformers
 * leaves out, vLLM's glm4_moe_mtp.py.
 */
import type { Checkpoint } from '../checkpoint.ts';
import type { Decoder, FeedForward, NextTokenLayer, RouterWeights } from './decoder.ts';
import { gatedUnit, PLAIN_ROUTER, plainDecoder, separateExperts } from './parts.ts';

export async function glm4Moe(checkpoint: Checkpoint): Promise<Decoder> {
  const decoder = plainDecoder(checkpoint, index => glmFeedForward(checkpoint, index));
  return { ...decoder, nextToken: await glmNextToken(checkpoint, decoder) };
}

/** The layer behind the last one; its copies of embedding and output projection may be absent, being the model's own. */
export async function glmNextToken(
  { config, matrix, vector, has }: Checkpoint,
  model: Pick<Decoder, 'head' | 'finalNorm' | 'layer'>,
): Promise<NextTokenLayer | null> {
  const index = config.number('num_hidden_layers');
  const at = (part: string) => `model.layers.${index}.${part}.weight`;
  if (!has(at('eh_proj'))) return null;
  return {
    taps: [],
    inputNorms: [[await vector(at('enorm'))], [await model.finalNorm(), await vector(at('hnorm'))]],
    projection: matrix(at('eh_proj')),
    layer: await model.layer(index),
    finalNorm: await vector(at('shared_head.norm')),
    head: has(at('shared_head.head')) ? matrix(at('shared_head.head')) : model.head,
    guesses: null,
    readsPrompt: true,
    goesOn: false,
  };
}

/** Dense or sparse, by what the checkpoint holds for the layer. */
export async function glmFeedForward(checkpoint: Checkpoint, index: number): Promise<FeedForward> {
  const { config } = checkpoint;
  const mlp = `model.layers.${index}.mlp`;
  if (!checkpoint.has(`${mlp}.gate.weight`)) return gatedUnit(checkpoint, mlp);
  const experts = config.number('n_routed_experts');
  return {
    kind: 'sparse',
    router: await sigmoidRouter(checkpoint, mlp),
    experts: separateExperts(checkpoint, `${mlp}.experts`, experts),
    shared: config.number('n_shared_experts', 0) > 0 ? gatedUnit(checkpoint, `${mlp}.shared_experts`) : null,
  };
}

async function sigmoidRouter({ config, vector }: Checkpoint, mlp: string): Promise<RouterWeights> {
  const groups = config.number('n_group', 1);
  return {
    ...PLAIN_ROUTER,
    weight: await vector(`${mlp}.gate.weight`),
    scores: 'sigmoid',
    selectionBias: await vector(`${mlp}.gate.e_score_correction_bias`),
    groups: groups > 1 ? { count: groups, chosen: config.number('topk_group') } : null,
    perToken: config.number('num_experts_per_tok'),
    normalise: config.boolean('norm_topk_prob', true) ? { epsilon: 1e-20 } : null,
    scale: config.number('routed_scaling_factor', 1),
  };
}
