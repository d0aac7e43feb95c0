/** tokenizer.json from GGUF metadata, on tiny vocabularies. On the real one: test/model/tokenizer.test.ts. */
import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Tokenizer } from '@huggingface/tokenizers';
import { openGguf } from '../../../src/formats/gguf.ts';
import { tokenizerConfigFromGguf, tokenizerJsonFromGguf } from '../../../src/formats/gguf-tokenizer.ts';
import { entry, ggufBytes } from '../../support/gguf-bytes.ts';

const TOKENS = [
  'a',
  'b',
  '1',
  'Ġ',
  'ab',
  'Ġab',
  '11',
  '__proto__',
  '<|im_end|>',
  '<tool>',
  '[PAD]',
  '<|fim_prefix|>',
];
const TYPES = [1, 1, 1, 1, 1, 1, 1, 1, 3, 4, 5, 3];
const MERGES = ['a b', 'Ġ ab', '1 1'];

type Metadata = Record<string, string | number | string[] | number[]>;
const BASE: Metadata = {
  'tokenizer.ggml.model': 'gpt2',
  'tokenizer.ggml.pre': 'qwen2',
  'tokenizer.ggml.tokens': TOKENS,
  'tokenizer.ggml.token_type': TYPES,
  'tokenizer.ggml.merges': MERGES,
};

let folder: string;
before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'moebius-tokenizer-'));
});
after(() => rm(folder, { recursive: true, force: true }));

async function withMetadata<T>(
  changes: Metadata,
  use: (gguf: Awaited<ReturnType<typeof openGguf>>) => T,
): Promise<T> {
  const path = join(folder, 'tiny.gguf');
  const entries = Object.entries({ ...BASE, ...changes }).map(([key, value]) => entry(key, value));
  await writeFile(path, ggufBytes({ entries }));
  const gguf = await openGguf(path);
  try {
    return use(gguf);
  } finally {
    await gguf.close();
  }
}

const tokenizerOf = (changes: Metadata) =>
  withMetadata(changes, gguf => new Tokenizer(JSON.parse(JSON.stringify(tokenizerJsonFromGguf(gguf))), {}));

describe('formats: tokenizer from GGUF', () => {
  it('gives added tokens with their kind and leaves unused ones out', async () => {
    const json = await withMetadata({}, tokenizerJsonFromGguf);
    const { added_tokens, model } = json as {
      added_tokens: { id: number; content: string; special: boolean }[];
      model: { vocab: Record<string, number> };
    };
    assert.deepEqual(
      added_tokens.map(token => [token.id, token.content, token.special]),
      [
        [8, '<|im_end|>', true],
        [9, '<tool>', false],
        [11, '<|fim_prefix|>', true],
      ],
    );
    assert.deepEqual(
      new Map(Object.entries(model.vocab)),
      new Map(TOKENS.slice(0, 8).map((token, id) => [token, id])),
    );
    assert.equal(Object.getOwnPropertyDescriptor(model.vocab, '__proto__')?.value, 7);
  });

  const encodings: [string, string, number[]][] = [
    ['qwen2', 'ab ab', [4, 5]],
    ['qwen2', 'ab<|im_end|>a', [4, 8, 0]],
    ['qwen2', '11', [2, 2]], // digits stand alone
    ['llama-bpe', '11', [6]], // digits in threes
    ['glm4', '11', [6]],
    ['gpt-2', '11 ab', [6, 5]],
    ['olmo', '11 ab', [6, 5]],
  ];
  for (const [pre, text, ids] of encodings) {
    it(`${pre} encodes ${JSON.stringify(text)}`, async () => {
      assert.deepEqual((await tokenizerOf({ 'tokenizer.ggml.pre': pre })).encode(text).ids, ids);
    });
  }

  const refused: [string, Metadata, string, RegExp][] = [
    [
      'an unknown pre-tokenizer',
      { 'tokenizer.ggml.pre': 'martian' },
      'unsupported',
      /\(gpt2, martian\) is not supported/,
    ],
    ['a name of Object.prototype', { 'tokenizer.ggml.pre': 'constructor' }, 'unsupported', /constructor/],
    ['another model', { 'tokenizer.ggml.model': 'llama' }, 'unsupported', /\(llama, qwen2\)/],
    [
      'types of another length',
      { 'tokenizer.ggml.token_type': [1] },
      'format-invalid',
      /has 1 entries for 12 tokens/,
    ],
    ['a merge of unknown tokens', { 'tokenizer.ggml.merges': ['a z'] }, 'format-invalid', /merge "a z"/],
    ['a merge of three', { 'tokenizer.ggml.merges': ['a b 1'] }, 'format-invalid', /merge "a b 1"/],
    [
      'a token twice',
      {
        'tokenizer.ggml.tokens': [...TOKENS.slice(0, -1), 'a'],
        'tokenizer.ggml.token_type': TOKENS.map(() => 1),
      },
      'format-invalid',
      /token "a" appears twice/,
    ],
    ['numbers as tokens', { 'tokenizer.ggml.tokens': [1, 2] }, 'format-invalid', /is not a list of strings/],
  ];
  for (const [name, changes, code, message] of refused) {
    it(`refuses ${name}`, () => assert.rejects(tokenizerOf(changes), { code, message }));
  }

  it('finds the special ids by key, then by literal', async () => {
    const changes = {
      'tokenizer.ggml.eos_token_id': 0,
      'tokenizer.ggml.fim_suf_token_id': 1,
      'tokenizer.ggml.fim_mid_token_id': 2,
      'tokenizer.chat_template': '{{ messages }}',
    };
    assert.deepEqual(await withMetadata(changes, tokenizerConfigFromGguf), {
      bos: null,
      eos: [0, 8],
      pad: null,
      addBos: false,
      chatTemplate: '{{ messages }}',
      fim: { prefix: 11, suffix: 1, middle: 2, fileSeparator: null, repoName: null },
      added: [8, 9, 11],
      unused: [10],
    });
    assert.equal((await withMetadata({}, tokenizerConfigFromGguf)).fim, null);
    const next = { 'tokenizer.ggml.tokens': TOKENS.with(9, '<|observation|>') };
    const { eos } = await withMetadata(next, tokenizerConfigFromGguf);
    assert.ok(eos.includes(9), "a tool's result is not the model's to write");
    const spaces = { 'tokenizer.ggml.tokens': TOKENS.with(9, '    ') };
    assert.deepEqual((await withMetadata(spaces, tokenizerConfigFromGguf)).added, [8, 11], 'spaces are text');
    const past = withMetadata({ 'tokenizer.ggml.bos_token_id': 12 }, tokenizerConfigFromGguf);
    await assert.rejects(past, { code: 'format-invalid', message: /bos_token_id is 12, past the end/ });
  });
});
