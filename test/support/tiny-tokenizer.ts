/** A byte-level BPE of a few hundred tokens, shaped like Qwen's, and its ChatML template. */
const MERGES = [
  'h e',
  'l l',
  'he ll',
  'hell o',
  'Ġ Ġ',
  'ĠĠ ĠĠ',
  'r e',
  't u',
  're tu',
  'retu r',
  'retur n',
  'Ġ w',
];
const CONTROL = ['<|endoftext|>', '<|im_start|>', '<|im_end|>'];
const FIM = ['<|fim_prefix|>', '<|fim_suffix|>', '<|fim_middle|>', '<|file_sep|>', '<|repo_name|>'];
/** Written by the model itself, so not special. */
const MARKUP = ['<tool_call>', '</tool_call>'];

/** Byte -> its printable character (GPT-2's table). */
function byteCharacters(): string[] {
  let shifted = 256;
  return Array.from({ length: 256 }, (_, byte) => {
    const isPrintable = (byte >= 33 && byte <= 126) || (byte >= 161 && byte <= 172) || byte >= 174;
    return String.fromCodePoint(isPrintable ? byte : shifted++);
  });
}

export function tinyTokenizerJson() {
  const tokens = [...byteCharacters(), ...MERGES.map(merge => merge.replace(' ', ''))];
  const added = [...CONTROL, ...FIM, ...MARKUP].map((content, i) => ({
    id: tokens.length + i,
    content,
    single_word: false,
    lstrip: false,
    rstrip: false,
    normalized: false,
    special: !MARKUP.includes(content),
  }));
  const byteLevel = { type: 'ByteLevel', add_prefix_space: false, trim_offsets: false, use_regex: false };
  const pattern =
    "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+";
  const split = { type: 'Split', pattern: { Regex: pattern }, behavior: 'Isolated', invert: false };
  return {
    version: '1.0',
    added_tokens: added,
    normalizer: { type: 'NFC' },
    pre_tokenizer: { type: 'Sequence', pretokenizers: [split, byteLevel] },
    post_processor: null,
    decoder: byteLevel,
    model: { type: 'BPE', vocab: Object.fromEntries(tokens.map((token, id) => [token, id])), merges: MERGES },
  };
}

export function tinyId(literal: string): number {
  return tinyTokenizerJson().added_tokens.find(token => token.content === literal)!.id;
}

export const TINY_TEMPLATE =
  "{%- for message in messages -%}<|im_start|>{{ message.role + '\\n' + message.content | trim }}<|im_end|>\n{% endfor -%}" +
  '{%- if add_generation_prompt -%}<|im_start|>assistant\n{% endif -%}';
