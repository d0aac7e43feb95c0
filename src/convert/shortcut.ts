/**
 * What spares the far part of a prompt the last layers: one linear map, trained by tools/distill, that says those layers' keys
 * and values of the state that the first of them would be given. An optional pair of files beside carving.json, sealed to
 * that carving by its hash. The idea is SwiftKV's (arXiv 2410.03960); what it is worth: docs/moe.md.
 *
 * shortcut.json describes shortcut.bin, which holds, little-endian (L = layers from `first` on, W = keys of a token in one layer,
 * R = 2 L W rows: of each layer its keys before bias and RoPE, then its values):
 *   gains   f32 [hidden]           RMSNorm weights of the state
 *   bias    f32 [R]                to which the model's own biases come
 *   scales  f32 [R, hidden / 32]
 *   codes   i4 [R, hidden], excess 8, low nibble first
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { MoebiusError } from '../base/errors.ts';
import type { Decoder } from './architectures/decoder.ts';
import type { Shortcut } from './graph/shortcut.ts';
import { dataFile, FieldReader, readDescription, readSealed } from './sealed-data.ts';
import { isOfCarving, trainedOnCarving } from './training.ts';
import { memoryMatrix } from './weights.ts';

const SHORTCUT_FORMAT = 1;
export const SHORTCUT_JSON = 'shortcut.json';
const BLOCK = 32;

const count = z.int().positive();
const shortcutJson = z.strictObject({
  format: z.literal(SHORTCUT_FORMAT),
  model: z.string().min(1),
  dims: z.strictObject({ layers: count, hidden: count, keysAndValues: count }),
  first: count,
  ...trainedOnCarving,
  data: dataFile,
  createdBy: z.string(),
});

/**
 * The shortcut in `folder` for this model, null where there is none. Errors: `hash-mismatch` if its data is damaged,
 * `model-invalid` if it is for another model or carving, or does not add up.
 */
export async function readShortcut(
  folder: string,
  { dims, rope, layer }: Pick<Decoder, 'dims' | 'rope' | 'layer'>,
): Promise<Shortcut | null> {
  if (!existsSync(join(folder, SHORTCUT_JSON))) return null;
  const json = await readDescription(join(folder, SHORTCUT_JSON), shortcutJson);
  const invalid = (problem: string) =>
    new MoebiusError('model-invalid', `The shortcut in ${folder} can't be used: ${problem}.`);
  const { layers, hidden } = dims;
  const width = dims.kvHeads * dims.headDim;
  for (const [name, here] of Object.entries({ layers, hidden, keysAndValues: 2 * width })) {
    const there = json.dims[name as keyof typeof json.dims];
    if (there !== here) throw invalid(`it is for ${json.model} with ${name} ${there}, not ${here}`);
  }
  if (!(await isOfCarving(folder, json)))
    throw invalid('it was trained for another carving; train it again or remove shortcut.json');
  const { first } = json;
  if (!rope) throw invalid('the model does not rotate its keys');
  if (first >= layers) throw invalid(`there is no layer ${first} that it could spare`);
  if (hidden % BLOCK !== 0) throw invalid(`its rows are no multiples of ${BLOCK}`);
  const rows = 2 * (layers - first) * width;
  const expected = 4 * (hidden + rows + (rows * hidden) / BLOCK) + (rows * hidden) / 2;
  if (json.data.sizeBytes !== expected) throw invalid(`its data should have ${expected} bytes`);

  const source = new FieldReader(await readSealed(join(folder, json.data.file), json.data));
  const gains = source.f32(hidden);
  const bias = source.f32(rows);
  const scales = source.f32((rows * hidden) / BLOCK);
  const codes = source.i4(rows * hidden);
  if (![gains, bias, scales].every(values => values.every(Number.isFinite)))
    throw invalid('it holds numbers that are not finite');
  for (let i = first; i < layers; i++) {
    const { mixer } = await layer(i);
    if (mixer.kind !== 'grouped' || mixer.norms || mixer.isWindowed)
      throw invalid(`the attention of layer ${i} is not of the kind that it knows`);
    if (!mixer.biases) continue;
    const own = [...mixer.biases.key, ...mixer.biases.value];
    for (const [at, value] of own.entries()) bias[2 * (i - first) * width + at]! += value;
  }
  const values = Float32Array.from(codes, (code, i) => code * scales[Math.floor(i / BLOCK)]!);
  return { first, gains, bias, matrix: memoryMatrix(values, hidden) };
}
