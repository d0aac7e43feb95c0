/** A random Qwen2 of two layers as a GGUF file in float32, with the tiny tokenizer: what a user adds, at a thousandth of the size. */
import { entry, ggufBytes, tensorRow } from './gguf-bytes.ts';
import { random } from './tiny-model.ts';
import { TINY_TEMPLATE, tinyTokenizerJson } from './tiny-tokenizer.ts';

const HEADS = 4;
const KV_HEADS = 2;
export const TINY_GGUF = { layers: 2, hidden: 32, feedForward: 256, vocab: 288 };
const NORMAL = 1;
const CONTROL = 3;
const UNUSED = 5;

export function tinyGguf(template = TINY_TEMPLATE): Buffer {
  const { layers, hidden, feedForward, vocab } = TINY_GGUF;
  const kv = (hidden / HEADS) * KV_HEADS;
  const layer = (i: number): [string, number[]][] => [
    [`blk.${i}.attn_norm.weight`, [hidden]],
    [`blk.${i}.attn_q.weight`, [hidden, hidden]],
    [`blk.${i}.attn_k.weight`, [hidden, kv]],
    [`blk.${i}.attn_v.weight`, [hidden, kv]],
    [`blk.${i}.attn_q.bias`, [hidden]],
    [`blk.${i}.attn_k.bias`, [kv]],
    [`blk.${i}.attn_v.bias`, [kv]],
    [`blk.${i}.attn_output.weight`, [hidden, hidden]],
    [`blk.${i}.ffn_norm.weight`, [hidden]],
    [`blk.${i}.ffn_gate.weight`, [hidden, feedForward]],
    [`blk.${i}.ffn_up.weight`, [hidden, feedForward]],
    [`blk.${i}.ffn_down.weight`, [feedForward, hidden]],
  ];
  const shapes: [string, number[]][] = [
    ['token_embd.weight', [hidden, vocab]],
    ['output_norm.weight', [hidden]],
    ...Array.from({ length: layers }, (_, i) => layer(i)).flat(),
  ];
  let offset = 0;
  const tensors = shapes.map(([name, shape]) => {
    const row = tensorRow(shape, 0, offset, name);
    offset += 4 * shape.reduce((a, b) => a * b, 1);
    return row;
  });
  const metadata = { block_count: layers, embedding_length: hidden, feed_forward_length: feedForward };
  const attention = { head_count: HEADS, head_count_kv: KV_HEADS, layer_norm_rms_epsilon: 1 };
  const bytes = ggufBytes({
    entries: [
      entry('general.architecture', 'qwen2'),
      entry('general.name', 'Tiny'),
      ...Object.entries(metadata).map(([key, value]) => entry(`qwen2.${key}`, value)),
      ...Object.entries(attention).map(([key, value]) => entry(`qwen2.attention.${key}`, value)),
      entry('qwen2.context_length', 2048),
      entry('qwen2.rope.freq_base', 10_000),
      ...tokenizerEntries(vocab, template),
    ],
    tensors,
    dataBytes: offset,
  });
  const next = random(1);
  for (let at = bytes.length - offset; at < bytes.length; at += 4) bytes.writeFloatLE(next(), at);
  return bytes;
}

function tokenizerEntries(vocab: number, template: string): Buffer[] {
  const { model, added_tokens } = tinyTokenizerJson();
  const known = Object.keys(model.vocab);
  const tokens = Array.from(
    { length: vocab },
    (_, id) => known[id] ?? added_tokens.find(token => token.id === id)?.content ?? `[PAD${id}]`,
  );
  const types = tokens.map((_, id) => {
    if (id < known.length) return NORMAL;
    return id < known.length + added_tokens.length ? CONTROL : UNUSED;
  });
  return [
    entry('tokenizer.ggml.model', 'gpt2'),
    entry('tokenizer.ggml.pre', 'qwen2'),
    entry('tokenizer.ggml.tokens', tokens),
    entry('tokenizer.ggml.token_type', types),
    entry('tokenizer.ggml.merges', model.merges),
    entry('tokenizer.ggml.eos_token_id', tokens.indexOf('<|im_end|>')),
    entry('tokenizer.chat_template', template),
  ];
}
