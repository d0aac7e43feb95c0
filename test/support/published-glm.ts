/**
 * GLM-4.5-Air and GLM-4.7-Flash as they are published, without their weights: settings of config.json, and every tensor's name and
 * shape. Both have a layer for multi-token prediction behind the last one, with copies of the embedding and the output projection.
 */
import type { Checkpoint } from '../../src/convert/checkpoint.ts';
import { Config } from '../../src/convert/config.ts';

type Shapes = Record<string, number[]>;
type Settings = Record<string, number> & { hidden_size: number };

interface Published {
  architecture: string;
  settings: Settings;
  vocab: number;
  attention: (at: string, settings: Settings) => Shapes;
}

const PUBLISHED: Readonly<Record<string, Published>> = {
  'glm-4.5-air': {
    architecture: 'glm4_moe',
    vocab: 151_552,
    settings: {
      ...{ num_hidden_layers: 46, hidden_size: 4096, intermediate_size: 10_944, moe_intermediate_size: 1408 },
      ...{ num_attention_heads: 96, num_key_value_heads: 8, head_dim: 128, partial_rotary_factor: 0.5 },
      ...{ n_routed_experts: 128, n_shared_experts: 1, num_experts_per_tok: 8, first_k_dense_replace: 1 },
      ...{ max_position_embeddings: 131_072, rope_theta: 1_000_000 },
    },
    attention: (at, { hidden_size: hidden }) => ({
      [`${at}.q_proj.weight`]: [12_288, hidden],
      [`${at}.k_proj.weight`]: [1024, hidden],
      [`${at}.v_proj.weight`]: [1024, hidden],
      [`${at}.q_proj.bias`]: [12_288],
      [`${at}.k_proj.bias`]: [1024],
      [`${at}.v_proj.bias`]: [1024],
      [`${at}.o_proj.weight`]: [hidden, 12_288],
    }),
  },
  'glm-4.7-flash': {
    architecture: 'glm4_moe_lite',
    vocab: 154_880,
    settings: {
      ...{ num_hidden_layers: 47, hidden_size: 2048, intermediate_size: 10_240, moe_intermediate_size: 1536 },
      ...{ num_attention_heads: 20, num_key_value_heads: 20, q_lora_rank: 768, kv_lora_rank: 512 },
      ...{ qk_nope_head_dim: 192, qk_rope_head_dim: 64, v_head_dim: 256, routed_scaling_factor: 1.8 },
      ...{ n_routed_experts: 64, n_shared_experts: 1, num_experts_per_tok: 4, first_k_dense_replace: 1 },
      ...{ max_position_embeddings: 202_752, rope_theta: 1_000_000 },
    },
    attention: (at, { hidden_size: hidden }) => ({
      [`${at}.q_a_proj.weight`]: [768, hidden],
      [`${at}.q_a_layernorm.weight`]: [768],
      [`${at}.q_b_proj.weight`]: [20 * (192 + 64), 768],
      [`${at}.kv_a_proj_with_mqa.weight`]: [512 + 64, hidden],
      [`${at}.kv_a_layernorm.weight`]: [512],
      [`${at}.kv_b_proj.weight`]: [20 * (192 + 256), 512],
      [`${at}.o_proj.weight`]: [hidden, 20 * 256],
    }),
  },
};
export const PUBLISHED_GLM = Object.keys(PUBLISHED);

/** Opens as the published folder would, all of whose numbers are zero. */
export function publishedGlm(id: string): Checkpoint {
  const { architecture, settings } = PUBLISHED[id]!;
  const shapes = shapesOf(PUBLISHED[id]!);
  const sizeOf = (shape: readonly number[]) => shape.reduce((product, size) => product * size, 1);
  const parameters = Object.values(shapes).reduce((sum, shape) => sum + sizeOf(shape), 0);
  const unread = () => Promise.reject(new Error('there are no weights'));
  return {
    architecture,
    config: new Config(settings, 'config.json'),
    has: name => name in shapes,
    matrix: name => {
      const [rows, cols] = shapes[name] as [number, number];
      return { rows, cols, type: 'BF16', raw: unread, values: unread };
    },
    vector: async name => new Float32Array(sizeOf(shapes[name]!)),
    types: new Set(['BF16']),
    parameters,
    text: {
      tokenizer: {},
      chatTemplate: '',
      tokens: { bos: null, templateBos: null, eos: [0], pad: null, banned: [], fim: null },
    },
    sizeBytes: 2 * parameters,
    close: async () => {},
  };
}

function shapesOf({ settings, vocab, attention }: Published): Shapes {
  const { hidden_size: hidden, num_hidden_layers: layers } = settings;
  const table = [vocab, hidden];
  const shapes: Shapes = {
    'model.embed_tokens.weight': table,
    'lm_head.weight': table,
    'model.norm.weight': [hidden],
  };
  for (let index = 0; index <= layers!; index++) {
    const at = `model.layers.${index}`;
    for (const norm of ['input_layernorm', 'post_attention_layernorm'])
      shapes[`${at}.${norm}.weight`] = [hidden];
    Object.assign(shapes, attention(`${at}.self_attn`, settings), feedForward(`${at}.mlp`, index, settings));
  }
  const at = `model.layers.${layers}`;
  for (const norm of ['enorm', 'hnorm', 'shared_head.norm']) shapes[`${at}.${norm}.weight`] = [hidden];
  for (const copy of ['embed_tokens', 'shared_head.head']) shapes[`${at}.${copy}.weight`] = table;
  return { ...shapes, [`${at}.eh_proj.weight`]: [hidden, 2 * hidden] };
}

function feedForward(at: string, index: number, settings: Settings): Shapes {
  const { hidden_size: hidden, n_routed_experts: experts, moe_intermediate_size: neurons } = settings;
  const unit = (prefix: string, rows: number): Shapes => ({
    [`${prefix}.gate_proj.weight`]: [rows, hidden],
    [`${prefix}.up_proj.weight`]: [rows, hidden],
    [`${prefix}.down_proj.weight`]: [hidden, rows],
  });
  if (index < settings.first_k_dense_replace!) return unit(at, settings.intermediate_size!);
  const shapes: Shapes = {
    [`${at}.gate.weight`]: [experts!, hidden],
    [`${at}.gate.e_score_correction_bias`]: [experts!],
    ...unit(`${at}.shared_experts`, neurons!),
  };
  for (let e = 0; e < experts!; e++) Object.assign(shapes, unit(`${at}.experts.${e}`, neurons!));
  return shapes;
}
