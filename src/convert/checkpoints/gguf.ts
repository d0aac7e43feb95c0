/** A GGUF file under the names of Hugging Face's transformers. Names of GGUF: llama.cpp's gguf-py/gguf/constants.py. */
import { stat } from 'node:fs/promises';
import { basename } from 'node:path';
import { MoebiusError } from '../../base/errors.ts';
import { type GgufFile, openGguf } from '../../formats/gguf.ts';
import { tokenizerConfigFromGguf, tokenizerJsonFromGguf } from '../../formats/gguf-tokenizer.ts';
import type { SpecialTokens } from '../../models/manifest.ts';
import type { Checkpoint } from '../checkpoint.ts';
import { Config } from '../config.ts';
import { type MatrixSource, permutedRows, pickRows, rowsOf } from '../weights.ts';

/** `general.architecture` -> `model_type`. */
const ARCHITECTURES: Readonly<Record<string, string>> = {
  qwen2: 'qwen2',
  qwen3: 'qwen3',
  qwen3moe: 'qwen3_moe',
  llama: 'llama',
  olmoe: 'olmoe',
  glm4moe: 'glm4_moe',
};

/** Key of config.json -> key below the architecture's name. */
const SETTINGS: Readonly<Record<string, string>> = {
  hidden_size: 'embedding_length',
  num_hidden_layers: 'block_count',
  num_attention_heads: 'attention.head_count',
  num_key_value_heads: 'attention.head_count_kv',
  head_dim: 'attention.key_length',
  intermediate_size: 'feed_forward_length',
  max_position_embeddings: 'context_length',
  rms_norm_eps: 'attention.layer_norm_rms_epsilon',
  rope_theta: 'rope.freq_base',
  num_experts: 'expert_count',
  n_routed_experts: 'expert_count',
  num_experts_per_tok: 'expert_used_count',
  n_shared_experts: 'expert_shared_count',
  moe_intermediate_size: 'expert_feed_forward_length',
  first_k_dense_replace: 'leading_dense_block_count',
  routed_scaling_factor: 'expert_weights_scale',
  num_nextn_predict_layers: 'nextn_predict_layers',
};

const TOP: Readonly<Record<string, string>> = {
  'model.embed_tokens.weight': 'token_embd.weight',
  'model.norm.weight': 'output_norm.weight',
  'lm_head.weight': 'output.weight',
};

/** Behind `model.layers.<n>.` -> behind `blk.<n>.`; what comes first is tried first. */
const IN_LAYER: readonly (readonly [string, string])[] = [
  ['input_layernorm.weight', 'attn_norm.weight'],
  ['post_attention_layernorm.weight', 'ffn_norm.weight'],
  ['post_attention_layernorm.weight', 'post_attention_norm.weight'],
  ['self_attn.q_proj.', 'attn_q.'],
  ['self_attn.k_proj.', 'attn_k.'],
  ['self_attn.v_proj.', 'attn_v.'],
  ['self_attn.o_proj.', 'attn_output.'],
  ['self_attn.q_norm.', 'attn_q_norm.'],
  ['self_attn.k_norm.', 'attn_k_norm.'],
  ['mlp.gate_proj.', 'ffn_gate.'],
  ['mlp.up_proj.', 'ffn_up.'],
  ['mlp.down_proj.', 'ffn_down.'],
  ['mlp.gate.weight', 'ffn_gate_inp.weight'],
  ['mlp.gate.e_score_correction_bias', 'exp_probs_b.bias'],
  ['mlp.shared_experts.gate_proj.', 'ffn_gate_shexp.'],
  ['mlp.shared_experts.up_proj.', 'ffn_up_shexp.'],
  ['mlp.shared_experts.down_proj.', 'ffn_down_shexp.'],
  ['eh_proj.', 'nextn.eh_proj.'],
  ['embed_tokens.', 'nextn.embed_tokens.'],
  ['enorm.', 'nextn.enorm.'],
  ['hnorm.', 'nextn.hnorm.'],
  ['shared_head.head.', 'nextn.shared_head_head.'],
  ['shared_head.norm.', 'nextn.shared_head_norm.'],
];
const LAYER = /^model\.layers\.(\d+)\.(.+)$/;
const ROTATED = /self_attn\.(q|k)_proj\.(?:weight|bias)$/;
const EXPERT = /^mlp\.experts\.(\d+)\.(gate|up|down)_proj\.weight$/;

export async function openGgufCheckpoint(path: string): Promise<Checkpoint> {
  const gguf = await openGguf(path);
  try {
    return { ...describe(gguf, basename(path)), sizeBytes: (await stat(path)).size };
  } catch (error) {
    await gguf.close();
    throw error;
  }
}

function describe(gguf: GgufFile, file: string): Omit<Checkpoint, 'sizeBytes'> {
  // Before the architecture, which only the first piece names.
  const pieces = gguf.getNumber('split.count', 1);
  if (pieces > 1) {
    throw new MoebiusError(
      'unsupported',
      `${file} is one of ${pieces} pieces of a model. Join them with llama.cpp: llama-gguf-split --merge <first piece> <whole.gguf>.`,
    );
  }
  const name = gguf.getString('general.architecture');
  const architecture = ARCHITECTURES[name];
  if (architecture === undefined) {
    const known = Object.keys(ARCHITECTURES).join(', ');
    throw new MoebiusError(
      'unsupported',
      `This version cannot convert models of architecture "${name}" from GGUF (only ${known}).`,
    );
  }
  const config = new Config(settings(gguf, name), file);
  const heads = { query: config.number('num_attention_heads'), key: config.number('num_key_value_heads') };
  /** Heads of a tensor whose rows lie in pairs; 0 for another. */
  const pairedHeads = (tensor: string): number => {
    const [, part] = name === 'llama' ? (ROTATED.exec(tensor) ?? []) : [];
    return part === 'q' ? heads.query : part === 'k' ? heads.key : 0;
  };
  const matrix = (tensor: string): MatrixSource => {
    const expert = expertOf(tensor);
    if (expert) {
      const all = ggufMatrix(gguf, expert.stack);
      const rows = all.rows / config.number('num_experts');
      return rowsOf(all, expert.index * rows, rows);
    }
    const found = ggufMatrix(gguf, locate(gguf, tensor) ?? tensor);
    const paired = pairedHeads(tensor);
    return paired ? permutedRows(found, unpairedRows(found.rows, paired), 1) : found;
  };
  const vector = async (tensor: string): Promise<Float32Array> => {
    const values = await gguf.readTensorF32(locate(gguf, tensor) ?? tensor);
    const paired = pairedHeads(tensor);
    return paired ? pickRows(values, 1, unpairedRows(values.length, paired)) : values;
  };
  return {
    architecture,
    config,
    has: tensor => locate(gguf, tensor) !== null,
    matrix,
    vector,
    types: new Set([...gguf.tensors.values()].map(tensor => tensor.type)),
    parameters: [...gguf.tensors.values()].reduce((sum, tensor) => sum + tensor.elements, 0),
    text: {
      tokenizer: tokenizerJsonFromGguf(gguf),
      chatTemplate: gguf.getString('tokenizer.chat_template', ''),
      tokens: specialTokens(gguf),
    },
    close: () => gguf.close(),
  };
}

function settings(gguf: GgufFile, architecture: string): Record<string, unknown> {
  const values: Record<string, unknown> = {};
  for (const [key, name] of Object.entries(SETTINGS)) {
    const value = gguf.getNumber(`${architecture}.${name}`, null);
    if (value !== null) values[key] = value;
  }
  values.tie_word_embeddings = !gguf.tensors.has('output.weight');
  values.attention_bias = gguf.tensors.has('blk.0.attn_q.bias');
  values.use_qk_norm = gguf.tensors.has('blk.0.attn_q_norm.weight');
  const [headDim, rotary] = ['attention.key_length', 'rope.dimension_count'].map(key =>
    gguf.getNumber(`${architecture}.${key}`, null),
  );
  if (headDim && rotary) values.partial_rotary_factor = rotary / headDim;
  values.rope_scaling = ropeScaling(gguf, architecture);
  const norm = gguf.getBoolean(`${architecture}.expert_weights_norm`, null);
  if (norm !== null) values.norm_topk_prob = norm;
  // Layers of multi-token prediction are counted among the blocks.
  const guessing = Number(values.num_nextn_predict_layers ?? 0);
  if (typeof values.num_hidden_layers === 'number') values.num_hidden_layers -= guessing;
  return values;
}

/**
 * How positions are stretched, under config.json's names; kinds that are not known are refused where they are read (rope.ts).
 * Source: llama.cpp's llama-model.cpp and llama-context.cpp, which take a factor without a kind for linear.
 */
function ropeScaling(gguf: GgufFile, architecture: string): Record<string, unknown> {
  const number = (name: string): number | null => gguf.getNumber(`${architecture}.${name}`, null);
  const kind = gguf.getString(`${architecture}.rope.scaling.type`, 'linear');
  if (kind === 'none') return {};
  const factor = (number('rope.scaling.factor') ?? number('rope.scale_linear')) || 1;
  const magnitude = number('rope.scaling.attn_factor') ?? 1;
  if (kind !== 'yarn' && magnitude !== 1) {
    throw new MoebiusError(
      'unsupported',
      `Positions of kind "${kind}" with a factor of attention are not supported.`,
    );
  }
  return {
    rope_type: kind,
    factor,
    original_max_position_embeddings:
      number('rope.scaling.original_context_length') || number('context_length'),
    // There on top of what YaRN scales by, here all of it.
    attention_factor: magnitude * (1 + 0.1 * Math.log(Math.max(1, factor))),
    beta_fast: number('rope.scaling.yarn_beta_fast'),
    beta_slow: number('rope.scaling.yarn_beta_slow'),
  };
}

function expertOf(tensor: string): { stack: string; index: number } | null {
  const [, layer, rest = ''] = LAYER.exec(tensor) ?? [];
  const [, index, part] = EXPERT.exec(rest) ?? [];
  return index === undefined ? null : { stack: `blk.${layer}.ffn_${part}_exps.weight`, index: Number(index) };
}

/** Name in the file; null if it has none of that meaning. */
function locate(gguf: GgufFile, tensor: string): string | null {
  const candidates = [TOP[tensor] ?? tensor, ...layerNames(tensor)];
  return candidates.find(name => gguf.tensors.has(name)) ?? null;
}

function layerNames(tensor: string): string[] {
  const expert = expertOf(tensor);
  if (expert) return [expert.stack];
  const [, layer, rest = ''] = LAYER.exec(tensor) ?? [];
  return IN_LAYER.filter(([from]) => rest.startsWith(from)).map(
    ([from, to]) => `blk.${layer}.${to}${rest.slice(from.length)}`,
  );
}

/**
 * Rows in the file, in transformers' order: llama.cpp stores this family's rotated channels as neighbouring pairs, transformers
 * has the first of all pairs first.
 */
function unpairedRows(rows: number, heads: number): number[] {
  const headDim = rows / heads;
  return Array.from({ length: rows }, (_, row) => {
    const within = row % headDim;
    const [half, pair] = [Math.floor(within / (headDim / 2)), within % (headDim / 2)];
    return row - within + 2 * pair + half;
  });
}

function ggufMatrix(gguf: GgufFile, name: string): MatrixSource {
  const info = gguf.tensor(name);
  const cols = info.shape.at(-1)!;
  return {
    rows: info.elements / cols,
    cols,
    type: info.type,
    raw: (start, count) => gguf.readTensor(name, start, count),
    values: (start, count) => gguf.readTensorF32(name, start, count),
  };
}

/** What ends an answer, and what the sampler never writes: every added token that does not end one, and unused ids. */
function specialTokens(gguf: GgufFile): SpecialTokens {
  const { bos, addBos, eos, pad, fim, added, unused } = tokenizerConfigFromGguf(gguf);
  const banned = [...added, ...unused].filter(id => !eos.includes(id));
  return {
    // Qwen's files name a bos that the model was not trained to begin with.
    bos: addBos ? bos : null,
    templateBos: bos,
    eos,
    pad,
    banned,
    fim: fim && { ...fim, order: 'psm' },
  };
}
