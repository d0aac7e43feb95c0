/** LFM2-MoE (LFM2-8B-A1B): short convolutions between few attention layers, sigmoid router. Source: transformers, models/lfm2_moe. */
import type { Checkpoint } from '../checkpoint.ts';
import { ropeOf } from '../rope.ts';
import type { Decoder, FeedForward, ShortConvolution } from './decoder.ts';
import { dimsOf, ends, expertCount, gatedUnit, groupedAttention, PLAIN_ROUTER } from './parts.ts';

const UNIT_NAMES = { gate: 'w1', up: 'w3', down: 'w2' };
const ATTENTION_NAMES = { output: 'out_proj', queryNorm: 'q_layernorm', keyNorm: 'k_layernorm' };

export function lfm2Moe(checkpoint: Checkpoint): Decoder {
  const { config, vector } = checkpoint;
  const dims = dimsOf(checkpoint, { rmsEpsilon: config.number('norm_eps', 1e-5) });
  const kinds = config.strings('layer_types');
  return {
    architecture: checkpoint.architecture,
    dims,
    ...ends(checkpoint),
    finalNorm: () => vector('model.embedding_norm.weight'),
    rope: ropeOf(config, dims.headDim),
    layer: async index => ({
      mixerNorm: await vector(`model.layers.${index}.operator_norm.weight`),
      mixer:
        kinds[index] === 'full_attention'
          ? await groupedAttention(checkpoint, index, dims, ATTENTION_NAMES)
          : await convolution(checkpoint, index),
      feedForwardNorm: await vector(`model.layers.${index}.ffn_norm.weight`),
      feedForward: await feedForward(checkpoint, index),
    }),
    nextToken: null,
  };
}

async function convolution(
  { config, matrix, vector, has }: Checkpoint,
  index: number,
): Promise<ShortConvolution> {
  const at = `model.layers.${index}.conv`;
  const optional = async (name: string) => (has(`${at}.${name}`) ? vector(`${at}.${name}`) : null);
  return {
    kind: 'convolution',
    input: matrix(`${at}.in_proj.weight`),
    inputBias: await optional('in_proj.bias'),
    taps: config.number('conv_L_cache'),
    kernel: await vector(`${at}.conv.weight`),
    kernelBias: await optional('conv.bias'),
    output: matrix(`${at}.out_proj.weight`),
    outputBias: await optional('out_proj.bias'),
  };
}

async function feedForward(checkpoint: Checkpoint, index: number): Promise<FeedForward> {
  const { config, vector, has } = checkpoint;
  const at = `model.layers.${index}.feed_forward`;
  const unit = (prefix: string) => gatedUnit(checkpoint, prefix, UNIT_NAMES);
  if (!has(`${at}.gate.weight`)) return unit(at);
  const experts = expertCount(config);
  return {
    kind: 'sparse',
    router: {
      ...PLAIN_ROUTER,
      weight: await vector(`${at}.gate.weight`),
      scores: 'sigmoid',
      selectionBias: has(`${at}.expert_bias`) ? await vector(`${at}.expert_bias`) : null,
      perToken: config.number('num_experts_per_tok'),
      normalise: config.boolean('norm_topk_prob', true) ? { epsilon: 1e-6 } : null,
      scale: config.number('routed_scaling_factor', 1),
    },
    experts: Array.from({ length: experts }, (_, e) => unit(`${at}.experts.${e}`)),
    shared: null,
  };
}
