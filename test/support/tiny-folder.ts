/** A whole converted model on disk, tiny and random: what the engine loads, at a thousandth of the size. */

import { createHash } from 'node:crypto';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { DenseFeedForward, NextTokenLayer } from '../../src/convert/architectures/decoder.ts';
import { Config } from '../../src/convert/config.ts';
import { allExperts } from '../../src/convert/experts.ts';
import { GraphWriter } from '../../src/convert/graph/linear.ts';
import { fusedExperts } from '../../src/convert/graph/moe-block.ts';
import { nextTokenDrafter } from '../../src/convert/graph/next-token.ts';
import { head } from '../../src/convert/graph/transformer.ts';
import { ropeOf } from '../../src/convert/rope.ts';
import { type MatrixSource, memoryMatrix, permutedRows } from '../../src/convert/weights.ts';
import { ExternalDataWriter, OnnxBuilder } from '../../src/formats/onnx.ts';
import { MANIFEST_FORMAT, type Manifest } from '../../src/models/manifest.ts';
import { writeManifest } from '../../src/models/manifest-file.ts';
import { random, TINY, writeTinyGraph } from './tiny-model.ts';
import { TINY_TEMPLATE, tinyId, tinyTokenizerJson } from './tiny-tokenizer.ts';

const VOCAB = Object.keys(tinyTokenizerJson().model.vocab).length + tinyTokenizerJson().added_tokens.length;
/** Wider than the tokenizer, as published models are. */
export const TINY_DIMS = { ...TINY, vocab: VOCAB + 6, trainedContext: 2048 };
/** 4 routed experts; far rows are read with 1 of them. */
export const TINY_LEVELS = {
  exact: { readK: null, writeK: null, exactTail: 0, exactHead: 0 },
  fast: { readK: 1, writeK: null, exactTail: 32, exactHead: 4 },
  frugal: { readK: 1, writeK: 2, exactTail: 32, exactHead: 4 },
} as const;

const THINKING = ['<think>', '</think>'];
const THINKING_TURN = '{% if enable_thinking %}<think>{% endif %}';
const HARMONY = ['<|start|>', '<|channel|>', '<|constrain|>', '<|message|>', '<|end|>', '<|call|>'];
/** Rendered as gpt-oss's does: a call is a message of its own, a result needs one before it. */
const HARMONY_TEMPLATE =
  '{%- set call = namespace(name=none) -%}{%- for message in messages -%}' +
  '{%- if message.tool_calls -%}{%- set call.name = message.tool_calls[0].name -%}' +
  '<|start|>assistant to=functions.{{ call.name }}<|channel|>commentary json<|message|>{{ message.tool_calls[0].arguments | tojson }}<|call|>' +
  "{%- elif message.role == 'tool' -%}{%- if call.name is none -%}{{ raise_exception('no call') }}{%- endif -%}" +
  '<|start|>functions.{{ call.name }} to=assistant<|channel|>commentary<|message|>{{ message.content | tojson }}<|end|>' +
  "{%- elif message.role == 'assistant' -%}<|start|>assistant<|channel|>final<|message|>{{ message.content }}<|end|>" +
  '{%- else -%}<|start|>{{ message.role }}<|message|>{{ message.content }}<|end|>{%- endif -%}{%- endfor -%}<|start|>assistant';
const addedToken = (id: number, content: string, special = false) => ({
  ...{ id, content, single_word: false, lstrip: false, rstrip: false, normalized: false, special },
});

/**
 * `guess`: with a drafter that always guesses this token, and is sure of it. `thinks`: its template may let it think aloud.
 * `channels`: taught gpt-oss's form of messages. `layers`: many take long to load.
 */
export async function writeTinyModel(
  folder: string,
  {
    guess,
    thinks = false,
    channels = false,
    layers = TINY_DIMS.layers,
  }: { guess?: number; thinks?: boolean; channels?: boolean; layers?: number } = {},
): Promise<Manifest> {
  const dims = { ...TINY_DIMS, layers };
  const taps = guess === undefined ? [] : [0, 1];
  const { hidden, vocab } = TINY_DIMS;
  await writeTinyGraph(folder, 'body', 1, dims, taps);
  await writeTinyGraph(folder, 'routed', 1, dims, taps);

  const next = random(2);
  const table = () => Float32Array.from({ length: vocab * hidden }, next);
  const builder = new OnnxBuilder('head', { name: 'test', version: '0' });
  const data = await ExternalDataWriter.create(join(folder, 'head.data'));
  const norm = new Float32Array(hidden).fill(1);
  const graph = new GraphWriter(builder, data, () => {});
  const projection = memoryMatrix(table(), hidden);
  await head(graph, TINY_DIMS, norm, projection, { kind: 'f32' });
  // Not tied to the output: a random model with tied weights only ever repeats its last token.
  const embedding = await data.write(table());
  await data.close();
  await builder.write(join(folder, 'head.onnx'));

  if (guess !== undefined) await writeDrafterGraph(folder, projection, taps, guess);

  const tokenizer = tinyTokenizerJson();
  if (thinks) tokenizer.added_tokens.push(...THINKING.map((content, i) => addedToken(VOCAB + i, content)));
  if (channels)
    tokenizer.added_tokens.push(...HARMONY.map((content, i) => addedToken(VOCAB + i, content, true)));
  const { added_tokens } = tokenizer;
  await writeFile(join(folder, 'tokenizer.json'), JSON.stringify(tokenizer));
  await writeFile(
    join(folder, 'chat_template.jinja'),
    channels ? HARMONY_TEMPLATE : thinks ? TINY_TEMPLATE + THINKING_TURN : TINY_TEMPLATE,
  );
  const call = added_tokens.find(token => token.content === '<|call|>');
  const eos = [tinyId('<|im_end|>'), tinyId('<|endoftext|>'), ...(call ? [call.id] : [])];
  const manifest: Manifest = {
    format: MANIFEST_FORMAT,
    id: 'tiny',
    name: 'Tiny',
    variant: 'fp32',
    architecture: 'qwen2',
    parameters: 1,
    dims,
    graphs: {
      body: { onnx: 'body.onnx', data: 'body.data' },
      routed: { onnx: 'routed.onnx', data: 'routed.data' },
      shortcut: null,
      head: { onnx: 'head.onnx', data: 'head.data' },
      drafter:
        guess === undefined ? null : { onnx: 'drafter.onnx', data: 'drafter.data', readsPrompt: false },
    },
    embedding: { kind: 'f32', file: embedding.location, offset: embedding.offset },
    outputEmbedding: null,
    experts: { kind: 'carved', sharedNeurons: 16, routed: 4, routedNeurons: 8, levels: TINY_LEVELS },
    tokens: {
      bos: null,
      eos,
      pad: tinyId('<|endoftext|>'),
      banned: added_tokens.filter(token => token.special && !eos.includes(token.id)).map(token => token.id),
      fim: {
        prefix: tinyId('<|fim_prefix|>'),
        suffix: tinyId('<|fim_suffix|>'),
        middle: tinyId('<|fim_middle|>'),
        fileSeparator: tinyId('<|file_sep|>'),
        repoName: tinyId('<|repo_name|>'),
        order: 'psm',
      },
    },
    capabilities: {
      chat: true,
      fillInTheMiddle: true,
      toolCalls: false,
      levels: ['exact', 'fast', 'frugal'],
    },
    license: 'MIT',
    source: { file: 'none', sha256: '0'.repeat(64), sizeBytes: 0 },
    files: {},
    createdBy: 'test',
  };
  for (const name of await readdir(folder)) {
    const bytes = await readFile(join(folder, name));
    const sha256 = createHash('sha256').update(bytes).digest('hex');
    manifest.files[name] = { sha256, sizeBytes: bytes.length };
  }
  await writeManifest(folder, manifest);
  return manifest;
}

async function writeDrafterGraph(
  folder: string,
  projection: MatrixSource,
  taps: readonly number[],
  guess: number,
): Promise<void> {
  const { hidden, heads, kvHeads, headDim } = TINY_DIMS;
  const builder = new OnnxBuilder('drafter', { name: 'test', version: '0' });
  const data = await ExternalDataWriter.create(join(folder, 'drafter.data'));
  const ones = new Float32Array(hidden).fill(1);
  const zeros = (rows: number, cols = hidden) => memoryMatrix(new Float32Array(rows * cols), cols);
  const inputs = taps.length + 3;
  const [wide, narrow] = [heads * headDim, kvHeads * headDim];
  const layer: NextTokenLayer = {
    taps,
    inputNorms: Array.from({ length: inputs }, () => [ones]),
    projection: zeros(hidden, inputs * hidden),
    layer: {
      mixerNorm: ones,
      mixer: {
        ...{ kind: 'grouped', query: zeros(wide), key: zeros(narrow), value: zeros(narrow) },
        ...{ output: zeros(hidden, wide), biases: null, outputBias: null, norms: null, sinks: null },
        ...{ scale: headDim ** -0.5, isWindowed: false },
      },
      feedForwardNorm: ones,
      feedForward: { kind: 'dense', gate: zeros(32), up: zeros(32), down: zeros(hidden, 32) },
    },
    finalNorm: ones,
    head: permutedRows(projection, [guess, guess + 1], 1),
    // All states come to nothing: what is left is the bias.
    guesses: { tokens: Uint32Array.of(guess, guess + 1), bias: Float32Array.of(5, 0) },
    readsPrompt: false,
    goesOn: true,
  };
  const rope = ropeOf(new Config({ rope_theta: TINY_DIMS.ropeTheta }, 'test'), headDim);
  await nextTokenDrafter(
    new GraphWriter(builder, data, () => {}),
    { dims: TINY_DIMS, rope, mixerForm: { kind: 'f32' } },
    layer,
    (writer, _, name, x) =>
      fusedExperts(writer, name, x, allExperts(layer.layer.feedForward as DenseFeedForward, undefined), {
        ...{ gateUp: { kind: 'f32' }, down: { kind: 'f32' } },
      }),
    { kind: 'f32' },
  );
  await data.close();
  await builder.write(join(folder, 'drafter.onnx'));
}
