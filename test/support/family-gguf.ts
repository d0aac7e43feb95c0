/** The checkpoint of test/fixtures/families/llama*.json as llama.cpp's converter lays it out, in float32. */
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
  [/^model\.layers\.(\d+)\.mlp\.(gate|up|down)_proj/, 'blk.$1.ffn_$2'],
];

/** `entries`: metadata of one's own, such as how positions are stretched. */
export function llamaGguf({ config, tensors }: FamilyGolden, entries: Buffer[]): Buffer {
  const number = (key: string) => config[key] as number;
  const headDim = number('head_dim');
  let offset = 0;
  const rows: Buffer[] = [];
  const parts: Float32Array[] = [];
  for (const [name, shape] of Object.entries(tensors)) {
    const stored = NAMES.reduce((text, [from, to]) => text.replace(from, to), name);
    const values = weightValues(name, shape);
    rows.push(tensorRow([...shape].reverse(), 0, offset, stored));
    parts.push(/[qk]_proj/.test(name) ? inPairs(values, shape[0]!, headDim) : values);
    offset += values.byteLength;
  }
  const llama = (key: string, value: number) => entry(`llama.${key}`, value);
  const bytes = ggufBytes({
    entries: [
      entry('general.architecture', 'llama'),
      llama('block_count', number('num_hidden_layers')),
      llama('embedding_length', number('hidden_size')),
      llama('feed_forward_length', number('intermediate_size')),
      llama('context_length', number('max_position_embeddings')),
      llama('attention.head_count', number('num_attention_heads')),
      llama('attention.head_count_kv', number('num_key_value_heads')),
      llama('attention.key_length', headDim),
      llama('rope.dimension_count', headDim),
      floatEntry('llama.attention.layer_norm_rms_epsilon', number('rms_norm_eps')),
      floatEntry('llama.rope.freq_base', (config.rope_parameters as { rope_theta: number }).rope_theta),
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
