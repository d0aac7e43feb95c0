/**
 * GLM-4.5-Air's first two layers as safetensors with the real names and shapes (config.json of zai-org/GLM-4.5-Air), random
 * weights: 7.4 GB of bfloat16 in shards, to convert and to time.
 */
import { open, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { tinyTokenizerJson } from '../../support/tiny-tokenizer.ts';

const HIDDEN = 4096;
const VOCAB = 151_552;
const HEADS = 96;
const KV_HEADS = 8;
const HEAD_DIM = 128;
const DENSE = 10_944;
const EXPERT = 1408;
export const EXPERTS = 128;
/** Layers of the whole model behind the dense one, all alike. */
export const SPARSE_LAYERS = 45;

const CONFIG = {
  model_type: 'glm4_moe',
  hidden_size: HIDDEN,
  num_attention_heads: HEADS,
  num_key_value_heads: KV_HEADS,
  head_dim: HEAD_DIM,
  partial_rotary_factor: 0.5,
  rope_theta: 1_000_000,
  attention_bias: true,
  use_qk_norm: false,
  intermediate_size: DENSE,
  moe_intermediate_size: EXPERT,
  n_routed_experts: EXPERTS,
  n_shared_experts: 1,
  num_experts_per_tok: 8,
  first_k_dense_replace: 1,
  norm_topk_prob: true,
  routed_scaling_factor: 1,
  n_group: 1,
  topk_group: 1,
  rms_norm_eps: 1e-5,
  vocab_size: VOCAB,
  tie_word_embeddings: false,
  // The real model has 131,072, which only makes the tables of positions longer.
  max_position_embeddings: 16_384,
  eos_token_id: [151_329, 151_336, 151_338],
};

type Shapes = Record<string, number[]>;

function unit(prefix: string, neurons: number): Shapes {
  return {
    [`${prefix}.gate_proj.weight`]: [neurons, HIDDEN],
    [`${prefix}.up_proj.weight`]: [neurons, HIDDEN],
    [`${prefix}.down_proj.weight`]: [HIDDEN, neurons],
  };
}

function layer(index: number): Shapes {
  const at = `model.layers.${index}`;
  const [width, kvWidth] = [HEADS * HEAD_DIM, KV_HEADS * HEAD_DIM];
  const shapes: Shapes = {
    [`${at}.input_layernorm.weight`]: [HIDDEN],
    [`${at}.post_attention_layernorm.weight`]: [HIDDEN],
    [`${at}.self_attn.q_proj.weight`]: [width, HIDDEN],
    [`${at}.self_attn.k_proj.weight`]: [kvWidth, HIDDEN],
    [`${at}.self_attn.v_proj.weight`]: [kvWidth, HIDDEN],
    [`${at}.self_attn.q_proj.bias`]: [width],
    [`${at}.self_attn.k_proj.bias`]: [kvWidth],
    [`${at}.self_attn.v_proj.bias`]: [kvWidth],
    [`${at}.self_attn.o_proj.weight`]: [HIDDEN, width],
  };
  if (index === 0) return { ...shapes, ...unit(`${at}.mlp`, DENSE) };
  Object.assign(shapes, unit(`${at}.mlp.shared_experts`, EXPERT), {
    [`${at}.mlp.gate.weight`]: [EXPERTS, HIDDEN],
    [`${at}.mlp.gate.e_score_correction_bias`]: [EXPERTS],
  });
  for (let e = 0; e < EXPERTS; e++) Object.assign(shapes, unit(`${at}.mlp.experts.${e}`, EXPERT));
  return shapes;
}

/** Shards as the publisher cuts them: about 5 GB each. */
const SHARDS: Shapes[] = [
  { 'model.embed_tokens.weight': [VOCAB, HIDDEN], ...layer(0), 'model.norm.weight': [HIDDEN] },
  { ...layer(1), 'lm_head.weight': [VOCAB, HIDDEN] },
];

/** Writes the checkpoint into `folder`, which exists; config.json of `layers` of the two. Returns its bytes. */
export async function writeCheckpoint(folder: string): Promise<number> {
  const weightMap: Record<string, string> = {};
  const noise = randomBfloats();
  let total = 0;
  for (const [i, shapes] of SHARDS.entries()) {
    const name = `model-0000${i + 1}-of-0000${SHARDS.length}.safetensors`;
    const header: Record<string, unknown> = {};
    let at = 0;
    for (const [tensor, shape] of Object.entries(shapes)) {
      const end = at + 2 * shape.reduce((a, b) => a * b, 1);
      header[tensor] = { dtype: 'BF16', shape, data_offsets: [at, end] };
      weightMap[tensor] = name;
      at = end;
    }
    const json = Buffer.from(JSON.stringify(header));
    const prefix = Buffer.alloc(8);
    prefix.writeBigUInt64LE(BigInt(json.length));
    const file = await open(join(folder, name), 'w');
    await file.write(Buffer.concat([prefix, json]));
    for (let done = 0; done < at; ) {
      const { bytesWritten } = await file.write(noise, 0, Math.min(noise.length, at - done));
      done += bytesWritten;
    }
    await file.close();
    total += at;
  }
  const json = (name: string, value: unknown) => writeFile(join(folder, name), JSON.stringify(value));
  await json('model.safetensors.index.json', { metadata: { total_size: total }, weight_map: weightMap });
  await json('tokenizer.json', tinyTokenizerJson());
  return total;
}

/** The same tensors serve a model of the dense layer alone: what the sparse one adds is the difference. */
export const writeConfig = (folder: string, layers: 1 | 2): Promise<void> =>
  writeFile(join(folder, 'config.json'), JSON.stringify({ ...CONFIG, num_hidden_layers: layers }));

/** 62 MB of bfloat16 between about -0.03 and 0.03; not a multiple of any row, so that no two rows are alike. */
function randomBfloats(): Uint8Array {
  const values = new Uint16Array(31_000_001);
  let state = 1;
  const one = new Float32Array(1);
  const bits = new Uint32Array(one.buffer);
  for (let i = 0; i < values.length; i++) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) | 0;
    one[0] = (state / 2 ** 31) * 0.03;
    values[i] = bits[0]! >>> 16;
  }
  return new Uint8Array(values.buffer);
}
