/** Checkpoints of test/fixtures/families as llama.cpp's converter lays them out, in float32. */
import { type FamilyGolden, weightValues } from './family-checkpoint.ts';
import { entry, floatEntry, ggufBytes, tensorRow } from './gguf-bytes.ts';

const NORMAL = 1;
const NAMES: readonly (readonly [RegExp, string])[] = [
  [/^model\.embed_tokens/, 'token_embd'],
  [/^model\.norm/, 'output_norm'],
  [/^lm_head/, 'output'],
  [/^model\.layers\.(\d+)\.input_layernorm/, 'blk.$1.attn_norm'],
  [/^model\.layers\.(\d+)\.post_attention_layernorm/, 'blk.$1.ffn_norm'],
  [/^model\.layers\.(\d+)\.self_attn\.([qkv])_proj/, 'blk.$1.attn_$2'],
  [/^model\.layers\.(\d+)\.self_attn\.o_proj/, 'blk.$1.attn_output'],
  [/^model\.layers\.(\d+)\.self_attn\.([qk])_norm/, 'blk.$1.attn_$2_norm'],
  [/^model\.layers\.(\d+)\.mlp\.(gate|up|down)_proj/, 'blk.$1.ffn_$2'],
  [/^model\.layers\.(\d+)\.mlp\.experts\.0\.(gate|up|down)_proj/, 'blk.$1.ffn_$2_exps'],
  [/^model\.layers\.(\d+)\.mlp\.shared_experts\.(gate|up|down)_proj/, 'blk.$1.ffn_$2_shexp'],
  [/^model\.layers\.(\d+)\.mlp\.gate\.weight/, 'blk.$1.ffn_gate_inp.weight'],
  [/^model\.layers\.(\d+)\.mlp\.gate\.e_score_correction_bias/, 'blk.$1.exp_probs_b.bias'],
  [/^model\.layers\.(\d+)\.shared_head\.(head|norm)/, 'blk.$1.nextn.shared_head_$2'],
  [/^model\.layers\.(\d+)\.(eh_proj|enorm|hnorm)/, 'blk.$1.nextn.$2'],
];

/** `general.architecture` by `model_type`. */
const ARCHITECTURES: Readonly<Record<string, string>> = {
  qwen3: 'qwen3',
  llama: 'llama',
  qwen3_moe: 'qwen3moe',
  olmoe: 'olmoe',
  glm4_moe: 'glm4moe',
};
/** Keys that a family's config.json may have. */
const OPTIONAL: readonly (readonly [string, string])[] = [
  ['head_dim', 'attention.key_length'],
  ['num_experts', 'expert_count'],
  ['num_local_experts', 'expert_count'],
  ['n_routed_experts', 'expert_count'],
  ['num_experts_per_tok', 'expert_used_count'],
  ['n_shared_experts', 'expert_shared_count'],
  ['moe_intermediate_size', 'expert_feed_forward_length'],
  ['first_k_dense_replace', 'leading_dense_block_count'],
  ['num_nextn_predict_layers', 'nextn_predict_layers'],
];
const EXPERT = /experts\.(\d+)\./;

/** `entries`: metadata of one's own, such as how positions are stretched. */
export function familyGguf({ config, tensors }: FamilyGolden, entries: Buffer[] = []): Buffer {
  const number = (key: string, otherwise?: number) => (config[key] as number | undefined) ?? otherwise!;
  const name = ARCHITECTURES[config.model_type]!;
  const headDim = number('head_dim', number('hidden_size') / number('num_attention_heads'));
  const rope = config.rope_parameters as { rope_theta: number; partial_rotary_factor?: number };
  let offset = 0;
  const rows: Buffer[] = [];
  const parts: Float32Array[] = [];
  const store = (tensor: string, shape: number[], values: Float32Array) => {
    const known = NAMES.reduce((text, [from, to]) => text.replace(from, to), tensor);
    const stored = name === 'glm4moe' ? known.replace('ffn_norm', 'post_attention_norm') : known;
    rows.push(tensorRow([...shape].reverse(), 0, offset, stored));
    parts.push(values);
    offset += values.byteLength;
  };
  for (const [tensor, shape] of Object.entries(tensors)) {
    const values = weightValues(tensor, shape);
    const [, expert] = EXPERT.exec(tensor) ?? [];
    if (expert === undefined) {
      const isPaired = name === 'llama' && /[qk]_proj/.test(tensor);
      store(tensor, shape, isPaired ? inPairs(values, shape[0]!, headDim) : values);
    } else if (expert === '0') {
      const stack = Object.keys(tensors)
        .filter(one => one.replace(EXPERT, 'experts.0.') === tensor)
        .sort((a, b) => Number(EXPERT.exec(a)![1]) - Number(EXPERT.exec(b)![1]))
        .flatMap(one => [...weightValues(one, shape)]);
      store(tensor, [stack.length / values.length, ...shape], Float32Array.from(stack));
    }
  }
  const setting = (key: string, value: number) => entry(`${name}.${key}`, value);
  const bytes = ggufBytes({
    entries: [
      entry('general.architecture', name),
      setting('block_count', number('num_hidden_layers') + number('num_nextn_predict_layers', 0)),
      setting('embedding_length', number('hidden_size')),
      setting('feed_forward_length', number('intermediate_size')),
      setting('context_length', number('max_position_embeddings')),
      setting('attention.head_count', number('num_attention_heads')),
      setting('attention.head_count_kv', number('num_key_value_heads')),
      setting('rope.dimension_count', headDim * (rope.partial_rotary_factor ?? 1)),
      floatEntry(`${name}.attention.layer_norm_rms_epsilon`, number('rms_norm_eps')),
      floatEntry(`${name}.rope.freq_base`, rope.rope_theta),
      ...OPTIONAL.filter(([key]) => config[key] !== undefined).map(([key, to]) => setting(to, number(key))),
      ...entries,
      ...tokenizerEntries(number('vocab_size')),
    ],
    tensors: rows,
    dataBytes: offset,
  });
  let at = bytes.length - offset;
  for (const part of parts) at += Buffer.from(part.buffer).copy(bytes, at);
  return bytes;
}

/** Rows of each head (two halves of pairs) with the two of a pair side by side: `permute` in convert_hf_to_gguf.py. */
function inPairs(values: Float32Array, rows: number, headDim: number): Float32Array {
  const cols = values.length / rows;
  const out = new Float32Array(values.length);
  for (let row = 0; row < rows; row++) {
    const within = row % headDim;
    const from = row - within + (within % 2) * (headDim / 2) + Math.floor(within / 2);
    out.set(values.subarray(from * cols, (from + 1) * cols), row * cols);
  }
  return out;
}

/** Single characters, no merges: enough to convert. */
function tokenizerEntries(vocab: number): Buffer[] {
  const tokens = Array.from({ length: vocab }, (_, i) => String.fromCharCode(i < 94 ? 0x21 + i : 0x100 + i));
  return [
    entry('tokenizer.ggml.model', 'gpt2'),
    entry('tokenizer.ggml.pre', 'llama-bpe'),
    entry('tokenizer.ggml.tokens', tokens),
    entry(
      'tokenizer.ggml.token_type',
      tokens.map(() => NORMAL),
    ),
    entry('tokenizer.ggml.merges', []),
    entry('tokenizer.ggml.eos_token_id', 2),
  ];
}
