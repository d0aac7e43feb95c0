/**
 * The tokenizer inside a GGUF file, as a Hugging Face tokenizer.json. Byte-level BPE only: tokens are written in GPT-2's
 * printable alphabet, merges as two tokens with a space between.
 */
import { basename } from 'node:path';
import { MoebiusError } from '../base/errors.ts';
import type { GgufFile } from './gguf.ts';
import { invalidGguf } from './gguf-types.ts';
import { isWhiteSpace } from './tokenizer-json.ts';

/** What a model's publisher did before BPE; GGUF keeps only its name, in `tokenizer.ggml.pre`. */
interface PreTokenizer {
  normalizer: object | null;
  /** Splits text into words; null = GPT-2's own expression, which ByteLevel has built in. */
  pattern: string | null;
  /** A word that is a token as a whole is taken as it is. */
  ignoreMerges: boolean;
  /** Whether a text begins with `bos` where the file doesn't say. */
  addBos?: true;
}

const LLAMA3 =
  "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}{1,3}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+";

/** From the tokenizer.json files of Qwen2.5-Coder, Llama 3, GPT-2 and OLMo; GLM's, and `addBos`, from llama.cpp's llama-vocab.cpp. */
const PRE_TOKENIZERS: Record<string, PreTokenizer> = {
  qwen2: {
    normalizer: { type: 'NFC' },
    pattern:
      "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+",
    ignoreMerges: false,
  },
  'llama-bpe': {
    normalizer: null,
    pattern: LLAMA3,
    ignoreMerges: true,
    addBos: true,
  },
  glm4: { normalizer: null, pattern: LLAMA3, ignoreMerges: false },
  'gpt-2': { normalizer: null, pattern: null, ignoreMerges: false },
  olmo: { normalizer: { type: 'NFC' }, pattern: null, ignoreMerges: false },
};

/** ggml's token types. */
const NORMAL = 1;
const CONTROL = 3;
const USER_DEFINED = 4;
const UNUSED = 5;

/** Tokens that end an answer, by the literals that publishers use; a file names only one or two of them by id. */
const END_LITERALS = [
  '<|endoftext|>',
  '<|im_end|>',
  '<|eot_id|>',
  '<|eom_id|>',
  '<|end_of_text|>',
  '<|end|>',
  '</s>',
  // GLM's messages have no end but the beginning of the next: the user's, or a tool's result.
  '<|user|>',
  '<|observation|>',
];

interface GgufTokenizerConfig {
  bos: number | null;
  /** Any of these ends an answer. */
  eos: number[];
  pad: number | null;
  /** Whether the model expects `bos` before every prompt. */
  addBos: boolean;
  /** Jinja source; null if the file has none. */
  chatTemplate: string | null;
  /** Fill-in-the-middle tokens; null unless prefix, suffix and middle are all there. */
  fim: {
    prefix: number;
    suffix: number;
    middle: number;
    fileSeparator: number | null;
    repoName: number | null;
  } | null;
  /** Ids of every added token that is no white space, and of those that the file calls unused. */
  added: number[];
  unused: number[];
}

interface Vocabulary {
  tokens: string[];
  types: number[];
}

/** An object in the shape of tokenizer.json. Errors: `unsupported` for another kind of tokenizer, `format-invalid`. */
export function tokenizerJsonFromGguf(gguf: GgufFile): object {
  const pre = preTokenizerOf(gguf);
  const { tokens, types } = vocabularyOf(gguf);
  const vocab = new Map<string, number>();
  const added: object[] = [];
  tokens.forEach((content, id) => {
    const type = types[id]!;
    if (isAdded(type)) {
      const flags = { single_word: false, lstrip: false, rstrip: false, normalized: false };
      added.push({ id, content, ...flags, special: type === CONTROL });
    } else if (type !== UNUSED) {
      if (vocab.has(content)) throw invalid(gguf, `token ${JSON.stringify(content)}`, 'appears twice');
      vocab.set(content, id);
    }
  });
  const byteLevel = { type: 'ByteLevel', add_prefix_space: false, trim_offsets: false };
  const split = { type: 'Split', pattern: { Regex: pre.pattern }, behavior: 'Isolated', invert: false };
  return {
    version: '1.0',
    truncation: null,
    padding: null,
    added_tokens: added,
    normalizer: pre.normalizer,
    pre_tokenizer: pre.pattern
      ? { type: 'Sequence', pretokenizers: [split, { ...byteLevel, use_regex: false }] }
      : { ...byteLevel, use_regex: true },
    post_processor: { ...byteLevel, use_regex: false },
    decoder: { ...byteLevel, use_regex: false },
    model: {
      type: 'BPE',
      dropout: null,
      unk_token: null,
      continuing_subword_prefix: '',
      end_of_word_suffix: '',
      fuse_unk: false,
      byte_fallback: false,
      ignore_merges: pre.ignoreMerges,
      vocab: Object.fromEntries(vocab),
      merges: mergesOf(gguf, vocab),
    },
  };
}

export function tokenizerConfigFromGguf(gguf: GgufFile): GgufTokenizerConfig {
  const { tokens, types } = vocabularyOf(gguf);
  const idOfAdded = new Map<string, number>();
  for (const [id, content] of tokens.entries()) if (isAdded(types[id]!)) idOfAdded.set(content, id);
  const named = (key: string): number | null => {
    const id = gguf.getNumber(`tokenizer.ggml.${key}_token_id`, null);
    if (id !== null && tokens[id] === undefined) {
      throw invalid(gguf, `tokenizer.ggml.${key}_token_id`, `is ${id}, past the end of the vocabulary`);
    }
    return id;
  };
  const either = (key: string, literal: string): number | null =>
    named(key) ?? idOfAdded.get(literal) ?? null;

  const eos = [
    named('eos'),
    named('eot'),
    named('eom'),
    ...END_LITERALS.map(literal => idOfAdded.get(literal)),
  ];
  const prefix = either('fim_pre', '<|fim_prefix|>');
  const suffix = either('fim_suf', '<|fim_suffix|>');
  const middle = either('fim_mid', '<|fim_middle|>');
  const fileSeparator = either('fim_sep', '<|file_sep|>');
  const repoName = either('fim_rep', '<|repo_name|>');
  const hasFim = prefix !== null && suffix !== null && middle !== null;
  return {
    bos: named('bos'),
    eos: [...new Set(eos.filter(id => id != null))],
    pad: named('padding'),
    addBos: gguf.getBoolean('tokenizer.ggml.add_bos_token', preTokenizerOf(gguf).addBos ?? false),
    chatTemplate: gguf.getString('tokenizer.chat_template', null),
    fim: hasFim ? { prefix, suffix, middle, fileSeparator, repoName } : null,
    added: [...idOfAdded].flatMap(([content, id]) =>
      isWhiteSpace({ content, special: types[id] === CONTROL }) ? [] : [id],
    ),
    unused: tokens.flatMap((_, id) => (types[id] === UNUSED ? [id] : [])),
  };
}

const isAdded = (type: number): boolean => type === CONTROL || type === USER_DEFINED;

function preTokenizerOf(gguf: GgufFile): PreTokenizer {
  const model = gguf.getString('tokenizer.ggml.model');
  const name = gguf.getString('tokenizer.ggml.pre', 'default');
  const pre = Object.hasOwn(PRE_TOKENIZERS, name) ? PRE_TOKENIZERS[name] : undefined;
  if (model === 'gpt2' && pre) return pre;
  const known = Object.keys(PRE_TOKENIZERS).join(', ');
  throw new MoebiusError(
    'unsupported',
    `The tokenizer of ${basename(gguf.path)} (${model}, ${name}) is not supported yet; byte-level BPE of the kinds ${known} is.`,
  );
}

function vocabularyOf(gguf: GgufFile): Vocabulary {
  const tokens = gguf.getArray('tokenizer.ggml.tokens', 'string');
  const types = gguf.getArray('tokenizer.ggml.token_type', 'number', null) ?? tokens.map(() => NORMAL);
  if (types.length !== tokens.length) {
    throw invalid(
      gguf,
      'tokenizer.ggml.token_type',
      `has ${types.length} entries for ${tokens.length} tokens`,
    );
  }
  return { tokens, types };
}

/** The merges as they are, after a check that both halves and the result are tokens: BPE could not work otherwise. */
function mergesOf(gguf: GgufFile, vocab: ReadonlyMap<string, number>): string[] {
  const merges = gguf.getArray('tokenizer.ggml.merges', 'string');
  for (const merge of merges) {
    const [left = '', right = '', ...more] = merge.split(' ');
    const isKnown = vocab.has(left) && vocab.has(right) && vocab.has(left + right);
    if (!isKnown || more.length > 0) {
      throw invalid(gguf, `merge ${JSON.stringify(merge)}`, 'is not made of tokens of the vocabulary');
    }
  }
  return merges;
}

function invalid(gguf: GgufFile, field: string, problem: string): MoebiusError {
  return invalidGguf(basename(gguf.path), field, problem);
}
