/** A folder as publishers lay it out: config.json, *.safetensors, tokenizer.json, generation_config.json, chat template. */
import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { MoebiusError } from '../../base/errors.ts';
import { mxfp4Values } from '../../formats/mxfp4.ts';
import { openSafetensors, type SafetensorsFolder } from '../../formats/safetensors.ts';
import type { AddedToken } from '../../formats/tokenizer-json.ts';
import type { SpecialTokens } from '../../models/manifest.ts';
import type { Checkpoint, CheckpointText } from '../checkpoint.ts';
import { Config } from '../config.ts';
import type { MatrixSource } from '../weights.ts';

const TEXT_BYTES = 128 * 1024 * 1024;

export async function openSafetensorsCheckpoint(folder: string): Promise<Checkpoint> {
  const values = await readJson(folder, 'config.json');
  const config = new Config(values, 'config.json');
  const text = await readText(folder, values);
  const tensors = await openSafetensors(folder);
  let sizeBytes = 0;
  for (const file of tensors.files) sizeBytes += (await stat(join(folder, file))).size;
  return {
    architecture: config.string('model_type'),
    config,
    has: name => tensors.has(name) || tensors.has(`${name}_blocks`),
    matrix: name => matrixOf(tensors, name),
    vector: name => tensors.readF32(name),
    types: new Set([...tensors.names].map(name => tensors.info(name).dtype)),
    parameters: countParameters(tensors),
    text,
    sizeBytes,
    close: () => tensors.close(),
  };
}

/** Experts in MXFP4 lie in two tensors: codes, two to a byte, and one exponent for every 32 of them. */
function matrixOf(tensors: SafetensorsFolder, name: string): MatrixSource {
  if (!tensors.has(name) && tensors.has(`${name}_blocks`)) return mxfp4Matrix(tensors, name);
  const info = tensors.info(name);
  const cols = info.shape.at(-1) ?? 1;
  return {
    rows: info.elements / cols,
    cols,
    type: info.dtype,
    raw: (start, count) => tensors.read(name, start, count),
    values: (start, count) => tensors.readF32(name, start, count),
  };
}

function mxfp4Matrix(tensors: SafetensorsFolder, name: string): MatrixSource {
  const [codes, exponents] = [`${name}_blocks`, `${name}_scales`];
  const blocks = tensors.info(exponents).shape.at(-1)!;
  return {
    rows: tensors.info(exponents).elements / blocks,
    cols: 32 * blocks,
    type: 'MXFP4',
    raw: () => Promise.reject(new Error('MXFP4 is read as float32')),
    values: async (start, count) =>
      mxfp4Values(
        await tensors.read(codes, start * blocks, count * blocks),
        await tensors.read(exponents, start, count),
      ),
  };
}

/** Numbers in all tensors: two to a byte in MXFP4, whose exponents are not counted. */
function countParameters(tensors: SafetensorsFolder): number {
  let count = 0;
  for (const name of tensors.names) {
    if (name.endsWith('_scales')) continue;
    count += tensors.info(name).elements * (name.endsWith('_blocks') ? 2 : 1);
  }
  return count;
}

async function readText(folder: string, config: Record<string, unknown>): Promise<CheckpointText> {
  const tokenizer = await readJson(folder, 'tokenizer.json');
  const settings = await readJson(folder, 'tokenizer_config.json', {});
  const generation = await readJson(folder, 'generation_config.json', {});
  const added = Array.isArray(tokenizer.added_tokens) ? (tokenizer.added_tokens as AddedToken[]) : [];
  return {
    tokenizer,
    chatTemplate: await readTemplate(folder, settings),
    tokens: specialTokens(added, [generation, config], settings, tokenizer.post_processor),
  };
}

async function readTemplate(folder: string, settings: Record<string, unknown>): Promise<string> {
  const own = await readFile(join(folder, 'chat_template.jinja'), 'utf8').catch(() => null);
  if (own !== null) return own;
  const { chat_template: inside } = settings;
  if (typeof inside === 'string') return inside;
  // Several by name; the one for ordinary chats is called "default".
  const named = Array.isArray(inside) ? (inside as { name?: unknown; template?: unknown }[]) : [];
  const chosen = named.find(one => one.name === 'default')?.template;
  return typeof chosen === 'string' ? chosen : '';
}

/** Tokens that end an answer, by the literals that publishers use; their settings name only one or two of them. */
const END_LITERALS = [
  ...['<|endoftext|>', '<|im_end|>', '<|eot_id|>', '<|eom_id|>', '<|end_of_text|>', '<|return|>', '<|call|>'],
  // GLM's messages have no end but the beginning of the next: the user's, or a tool's result.
  ...['<|user|>', '<|observation|>'],
];
/** Names of the fill-in-the-middle tokens: Qwen's and Granite's first, then GLM's. */
const FIM_LITERALS = {
  prefix: ['<|fim_prefix|>', '<fim_prefix>', '<|code_prefix|>'],
  suffix: ['<|fim_suffix|>', '<fim_suffix>', '<|code_suffix|>'],
  middle: ['<|fim_middle|>', '<fim_middle>', '<|code_middle|>'],
  fileSeparator: ['<|file_sep|>', '<|file_separator|>'],
  repoName: ['<|repo_name|>', '<reponame>'],
};

function specialTokens(
  added: readonly AddedToken[],
  configs: readonly Record<string, unknown>[],
  settings: Record<string, unknown>,
  postProcessor: unknown,
): SpecialTokens {
  const idOf = new Map(added.map(token => [token.content, token.id]));
  // -1 is how some say that there is none.
  const isId = (id: unknown): id is number => Number.isInteger(id) && (id as number) >= 0;
  const named = (key: string) => configs.flatMap(config => config[key] ?? []).filter(isId);
  const literal = (names: readonly string[]) =>
    names.map(name => idOf.get(name)).find(id => id !== undefined) ?? null;
  const ends = END_LITERALS.flatMap(name => idOf.get(name) ?? []);
  const last = idOf.get(literalOf(settings.eos_token)) ?? [];
  const eos = [...new Set([named('eos_token_id'), last, ends].flat())];
  if (eos.length === 0) {
    throw new MoebiusError(
      'model-invalid',
      'The model names no token that ends an answer (eos_token_id, eos_token).',
    );
  }
  const [prefix, suffix, middle, fileSeparator, repoName] = Object.values(FIM_LITERALS).map(literal) as [
    number | null,
    number | null,
    number | null,
    number | null,
    number | null,
  ];
  const hasFim = prefix !== null && suffix !== null && middle !== null;
  const given = idOf.get(literalOf(settings.bos_token)) ?? null;
  const beginning = named('bos_token_id')[0] ?? given;
  const first = idOf.get(firstToken(postProcessor as PostProcessor | null)) ?? null;
  // A tokenizer that doesn't say adds what its post-processor puts first.
  const bos = settings.add_bos_token === true ? beginning : settings.add_bos_token === false ? null : first;
  return {
    bos,
    templateBos: given ?? bos,
    eos,
    pad: named('pad_token_id')[0] ?? null,
    banned: added.filter(token => token.special && !eos.includes(token.id)).map(token => token.id),
    fim: hasFim ? { prefix, suffix, middle, fileSeparator, repoName, order: 'psm' } : null,
  };
}

/** A token in tokenizer_config.json: its text, or an object around it. */
const literalOf = (token: unknown): string => {
  const content = (token as { content?: unknown } | null)?.content ?? token;
  return typeof content === 'string' ? content : '';
};

interface PostProcessor {
  /** Of a `Sequence`. */
  processors?: PostProcessor[];
  /** Of a `TemplateProcessing`: what a text becomes. */
  single?: { SpecialToken?: { id: string } }[];
}

/** Literal of the special token that a tokenizer puts before every text; empty without. */
function firstToken(processor: PostProcessor | null | undefined): string {
  const inner = processor?.processors;
  const all = [processor, ...(Array.isArray(inner) ? inner : [])];
  return all.map(one => one?.single?.[0]?.SpecialToken?.id).find(id => id !== undefined) ?? '';
}

async function readJson(
  folder: string,
  name: string,
  fallback?: Record<string, unknown>,
): Promise<Record<string, unknown>> {
  const path = join(folder, name);
  const found = await stat(path).catch(() => null);
  if (!found && fallback) return fallback;
  if (!found) throw new MoebiusError('not-found', `${name} is missing in ${folder}: fetch the model again.`);
  if (found.size > TEXT_BYTES) throw new MoebiusError('format-invalid', `${name} is too large.`);
  try {
    const json: unknown = JSON.parse(await readFile(path, 'utf8'));
    if (typeof json === 'object' && json !== null && !Array.isArray(json))
      return json as Record<string, unknown>;
  } catch {}
  throw new MoebiusError('format-invalid', `${name} in ${folder} is no JSON object: fetch the model again.`);
}
