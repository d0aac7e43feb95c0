/** OLMoE 1B-7B: queries and keys normed over all heads together, weights not normalised. Source: transformers, models/olmoe. */
import { MoebiusError } from '../../base/errors.ts';
import type { Checkpoint } from '../checkpoint.ts';
import type { Decoder } from './decoder.ts';
import { expertCount, plainDecoder, separateExperts, softmaxRouter } from './parts.ts';

export function olmoe(checkpoint: Checkpoint): Decoder {
  const { config } = checkpoint;
  if (config.has('clip_qkv')) {
    throw new MoebiusError('unsupported', 'OLMoE models with clip_qkv are not supported.');
  }
  const experts = expertCount(config);
  const perToken = config.number('num_experts_per_tok');
  const isNormalised = config.boolean('norm_topk_prob', false);
  return plainDecoder(checkpoint, async index => {
    const mlp = `model.layers.${index}.mlp`;
    return {
      kind: 'sparse',
      router: await softmaxRouter(checkpoint, `${mlp}.gate.weight`, perToken, isNormalised),
      experts: separateExperts(checkpoint, `${mlp}.experts`, experts),
      shared: null,
    };
  });
}
