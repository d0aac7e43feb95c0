/** Checkpoints of test/fixtures/families on disk: weights from the tensors' names, as test/reference/family_goldens.py makes them. */
import { readFileSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import { floatTensor, type TensorToWrite, writeSafetensors } from './safetensors-file.ts';
import { TINY_TEMPLATE, tinyTokenizerJson } from './tiny-tokenizer.ts';

export interface FamilyGolden {
  config: Record<string, unknown> & { model_type: string };
  /** Shape by name. */
  tensors: Record<string, number[]>;
  tokens: number[];
  /** [tokens][vocab] */
  logits: number[][];
  /** Of a model with multi-token prediction: [token after next, its probability] for every token but the last. */
  guesses?: [token: number, probability: number][];
}

const FIXTURES = new URL('../fixtures/families/', import.meta.url);

export const familyGolden = (name: string): FamilyGolden =>
  JSON.parse(readFileSync(new URL(`${name}.json`, FIXTURES), 'utf8'));

/** Uniform numbers by mulberry32 from the CRC-32 of the name: around one for norms, else in +-1.7 / sqrt(inputs). */
export function weightValues(name: string, shape: readonly number[]): Float32Array {
  const seed = crc32(name);
  const inputs = shape.length > 1 ? shape.at(-1)! : 4;
  const scale = 1.7 / Math.sqrt(inputs);
  return Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, (_, i) => {
    const state = (seed + Math.imul(0x6d2b79f5, i + 1)) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t ^= (t + Math.imul(t ^ (t >>> 7), 61 | t)) | 0;
    const unit = ((t ^ (t >>> 14)) >>> 0) / 2147483648 - 1;
    return name.includes('norm') ? 1 + 0.3 * unit : scale * unit;
  });
}

/** Writes the checkpoint as publishers lay it out, in two shards with an index. `change` may replace tensors. */
export async function writeFamilyCheckpoint(
  folder: string,
  { config, tensors }: FamilyGolden,
  change: (all: Record<string, TensorToWrite>) => void = () => {},
): Promise<void> {
  await mkdir(folder, { recursive: true });
  const all: Record<string, TensorToWrite> = {};
  for (const [name, shape] of Object.entries(tensors)) {
    all[name] = floatTensor(shape, weightValues(name, shape));
  }
  change(all);
  const entries = Object.entries(all);
  const half = Math.floor(entries.length / 2);
  const weightMap: Record<string, string> = {};
  for (const [i, part] of [entries.slice(0, half), entries.slice(half)].entries()) {
    const file = `model-0000${i + 1}-of-00002.safetensors`;
    await writeSafetensors(join(folder, file), Object.fromEntries(part));
    for (const [name] of part) weightMap[name] = file;
  }
  const json = (name: string, value: unknown) => writeFile(join(folder, name), JSON.stringify(value));
  await json('model.safetensors.index.json', { metadata: {}, weight_map: weightMap });
  await json('config.json', config);
  await json('tokenizer.json', tinyTokenizerJson());
  await writeFile(join(folder, 'chat_template.jinja'), TINY_TEMPLATE);
}
