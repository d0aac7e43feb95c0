/**
 * The drafter of a model: one linear map that guesses the token after next, fitted once by `moebius fit-drafter`, kept in
 * models/<id>/ and applied by convert. How it is used, and what it is worth: docs/engine.md.
 *
 * drafter.json describes drafter.bin, which holds, little-endian (D = hidden * (taps + 2) inputs, in this order: the
 * states after the tapped layers, the last hidden state, the next token's embedding):
 *   tokens   u32 [vocabulary]    what it can guess
 *   bias     f32 [vocabulary]    of their logits
 *   gain     f32 [taps + 1, hidden]   of each state after RMS normalisation without weight
 *   scales   f32 [hidden, D/128]
 *   weight   i8 [hidden, D]      in blocks of 128 with one scale
 * Logits = rows `tokens` of the output projection @ (weight @ inputs) + bias.
 */
import { join } from 'node:path';
import { z } from 'zod';
import { MoebiusError } from '../base/errors.ts';
import type { ModelDims } from '../models/manifest.ts';
import { dataFile, FieldReader, readDescription, readSealed } from './sealed-data.ts';

export interface DrafterWeights {
  /** Layers whose input states are read beside the last one's output, ascending. */
  taps: readonly number[];
  tokens: Uint32Array;
  /** [tokens] */
  bias: Float32Array;
  /** [taps + 1, hidden] */
  gain: Float32Array;
  /** [hidden, hidden * (taps + 2)] */
  weight: Float32Array;
}

export const DRAFTER_FORMAT = 1;
export const DRAFTER_JSON = 'drafter.json';
export const DRAFTER_BLOCK = 128;

const count = z.int().positive();
const drafterJson = z.strictObject({
  format: z.literal(DRAFTER_FORMAT),
  model: z.string().min(1),
  dims: z.strictObject({ layers: count, hidden: count, vocab: count }),
  taps: z.array(z.int().nonnegative()).max(4),
  vocabulary: count.max(0x10000),
  calibration: z.strictObject({
    tokens: count,
    /** Of those that were not fitted to: how many guesses were what the model takes. */
    heldOut: z.strictObject({ tokens: count, right: z.number().min(0).max(1) }),
  }),
  data: dataFile,
  createdBy: z.string(),
});
export type DrafterJson = z.infer<typeof drafterJson>;

/**
 * Reads and checks the drafter in `folder` for a model of these dimensions. Errors: `not-found` without drafter.json,
 * `hash-mismatch` if the data file is damaged, `model-invalid` if it is for another model or does not add up.
 */
export async function readDrafter(folder: string, dims: ModelDims): Promise<DrafterWeights> {
  const path = join(folder, DRAFTER_JSON);
  const json = await readDescription(path, drafterJson);
  const invalid = (problem: string) =>
    new MoebiusError('model-invalid', `The drafter in ${folder} can't be used: ${problem}.`);
  for (const name of ['layers', 'hidden', 'vocab'] as const) {
    if (json.dims[name] !== dims[name]) {
      throw invalid(`it is for ${json.model} with ${name} ${json.dims[name]}, not ${dims[name]}`);
    }
  }
  const { taps, vocabulary } = json;
  if (taps.some(layer => layer >= dims.layers))
    throw invalid('it reads a layer that the model does not have');
  const { hidden } = dims;
  const inputs = hidden * (taps.length + 2);
  if (inputs % DRAFTER_BLOCK !== 0) throw invalid(`${inputs} inputs are no multiple of ${DRAFTER_BLOCK}`);
  const blocks = inputs / DRAFTER_BLOCK;
  const expected = 8 * vocabulary + 4 * hidden * (taps.length + 1) + hidden * (4 * blocks + inputs);
  if (json.data.sizeBytes !== expected) throw invalid(`its data should have ${expected} bytes`);

  const source = new FieldReader(await readSealed(join(folder, json.data.file), json.data));
  const tokens = source.u32(vocabulary);
  const bias = source.f32(vocabulary);
  const gain = source.f32(hidden * (taps.length + 1));
  const scales = source.f32(hidden * blocks);
  const weight = Float32Array.from(
    source.i8(hidden * inputs),
    (code, i) => code * scales[Math.floor(i / DRAFTER_BLOCK)]!,
  );
  if (tokens.some(token => token >= dims.vocab))
    throw invalid('it guesses tokens that the model does not have');
  if (![bias, gain, scales].every(values => values.every(Number.isFinite))) {
    throw invalid('it holds numbers that are not finite');
  }
  return { taps, tokens, bias, gain, weight };
}
