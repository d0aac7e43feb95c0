/** Qwen3-MoE (Qwen3-Coder-30B-A3B): 128 experts behind a softmax router, no shared one. Source: transformers, models/qwen3_moe. */
import type { Checkpoint } from '../checkpoint.ts';
import type { Decoder } from './decoder.ts';
import {
  expertCount,
  gatedUnit,
  plainDecoder,
  qwenWindow,
  separateExperts,
  softmaxRouter,
  withWindows,
} from './parts.ts';

export function qwen3Moe(checkpoint: Checkpoint): Decoder {
  const { config } = checkpoint;
  const experts = expertCount(config);
  const perToken = config.number('num_experts_per_tok');
  const isNormalised = config.boolean('norm_topk_prob', true);
  const decoder = plainDecoder(checkpoint, async index => {
    const mlp = `model.layers.${index}.mlp`;
    if (!checkpoint.has(`${mlp}.gate.weight`)) return gatedUnit(checkpoint, mlp);
    return {
      kind: 'sparse',
      router: await softmaxRouter(checkpoint, `${mlp}.gate.weight`, perToken, isNormalised),
      experts: separateExperts(checkpoint, `${mlp}.experts`, experts),
      shared: null,
    };
  });
  const window = qwenWindow(config);
  return window === null ? decoder : withWindows(decoder, window, () => true);
}
