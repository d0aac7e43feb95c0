/**
 * The drafter of a model that was published without one: a layer that guesses the token after next, trained once by
 * tools/distill, kept in models/<id>/ and applied by convert. How it is used, and what it is worth: docs/engine.md.
 *
 * drafter.json describes drafter.bin, which holds, little-endian (H = hidden, I = taps + 3 inputs: the next token's embedding,
 * the states before the tapped layers, the last state, its own state; heads as the model has them):
 *   tokens    u32 [vocabulary]   what it can guess
 *   bias      f32 [vocabulary]   of their logits
 *   gains     f32 [I, H]         RMSNorm weights of the inputs
 *   norms     f32 [3, H]         before attention, before the feed-forward block, before the output projection
 *   matrices  projection [H, I H], query, key, value, output, gate, up, down: for each its scales f16 [rows, cols/32], then
 *             its codes i4 [rows, cols], excess 8, low nibble first
 */
import { join } from 'node:path';
import { z } from 'zod';
import { MoebiusError } from '../base/errors.ts';
import type { ModelDims } from '../models/manifest.ts';
import type { NextTokenLayer } from './architectures/decoder.ts';
import { dataFile, FieldReader, readDescription, readSealed } from './sealed-data.ts';
import { type MatrixSource, memoryMatrix, permutedRows } from './weights.ts';

export const DRAFTER_FORMAT = 3;
export const DRAFTER_JSON = 'drafter.json';
const BLOCK = 32;

const count = z.int().positive();
const drafterJson = z.strictObject({
  format: z.literal(DRAFTER_FORMAT),
  model: z.string().min(1),
  dims: z.strictObject({ layers: count, hidden: count, vocab: count }),
  taps: z.array(z.int().nonnegative()).max(4),
  vocabulary: count.max(0x10000),
  neurons: count.max(0x10000),
  training: z.strictObject({
    tokens: count,
    seed: z.int().nonnegative(),
    /**
     * Of texts that nothing was learned from, by their kind: the share of guesses that were what the model took, for the
     * first one, for the second where the first was right, and so on.
     */
    heldOut: z.record(
      z.string(),
      z.strictObject({ tokens: count, right: z.array(z.number().min(0).max(1)).max(8) }),
    ),
  }),
  data: dataFile,
  createdBy: z.string(),
});

/**
 * Reads and checks the drafter in `folder` for a model of these dimensions, whose output projection `head` it guesses with.
 * Errors: `not-found` without drafter.json, `hash-mismatch` if the data file is damaged, `model-invalid` if it is for another
 * model or does not add up.
 */
export async function readDrafter(
  folder: string,
  dims: ModelDims,
  head: MatrixSource,
): Promise<NextTokenLayer> {
  const json = await readDescription(join(folder, DRAFTER_JSON), drafterJson);
  const invalid = (problem: string) =>
    new MoebiusError('model-invalid', `The drafter in ${folder} can't be used: ${problem}.`);
  for (const name of ['layers', 'hidden', 'vocab'] as const) {
    if (json.dims[name] !== dims[name]) {
      throw invalid(`it is for ${json.model} with ${name} ${json.dims[name]}, not ${dims[name]}`);
    }
  }
  const { taps, vocabulary, neurons } = json;
  if (taps.some((layer, i) => layer >= dims.layers || layer <= (taps[i - 1] ?? -1)))
    throw invalid('it reads layers that the model does not have, or not in their order');
  const { hidden } = dims;
  const [wide, narrow] = [dims.heads * dims.headDim, dims.kvHeads * dims.headDim];
  const inputs = taps.length + 3;
  const shapes = [
    [hidden, inputs * hidden],
    ...[wide, narrow, narrow].map(rows => [rows, hidden]),
    [hidden, wide],
    ...[neurons, neurons].map(rows => [rows, hidden]),
    [hidden, neurons],
  ] as [rows: number, cols: number][];
  if (shapes.some(([, cols]) => cols % BLOCK !== 0)) throw invalid(`its rows are no multiples of ${BLOCK}`);
  const bytesOf = (rows: number, cols: number) => rows * (cols / 2 + (2 * cols) / BLOCK);
  const expected =
    8 * vocabulary +
    4 * hidden * (inputs + 3) +
    shapes.reduce((sum, [rows, cols]) => sum + bytesOf(rows, cols), 0);
  if (json.data.sizeBytes !== expected) throw invalid(`its data should have ${expected} bytes`);

  const source = new FieldReader(await readSealed(join(folder, json.data.file), json.data));
  const tokens = source.u32(vocabulary);
  const bias = source.f32(vocabulary);
  const gains = Array.from({ length: inputs }, () => source.f32(hidden));
  const norms = Array.from({ length: 3 }, () => source.f32(hidden));
  const scales: Float32Array[] = [];
  const [projection, query, key, value, output, gate, up, down] = shapes.map(([rows, cols]) => {
    const scale = source.f16(rows * (cols / BLOCK));
    scales.push(scale);
    const codes = source.i4(rows * cols);
    return memoryMatrix(
      Float32Array.from(codes, (code, i) => code * scale[Math.floor(i / BLOCK)]!),
      cols,
    );
  }) as MatrixSource[];
  if (tokens.some(token => token >= dims.vocab))
    throw invalid('it guesses tokens that the model does not have');
  if (![bias, ...gains, ...norms, ...scales].every(values => values.every(Number.isFinite)))
    throw invalid('it holds numbers that are not finite');

  return {
    taps,
    inputNorms: gains.map(gain => [gain]),
    projection: projection!,
    layer: {
      mixerNorm: norms[0]!,
      mixer: {
        kind: 'grouped',
        ...{ query: query!, key: key!, value: value!, output: output! },
        ...{ biases: null, outputBias: null, norms: null, sinks: null, isWindowed: false },
        scale: dims.headDim ** -0.5,
      },
      feedForwardNorm: norms[1]!,
      feedForward: { kind: 'dense', gate: gate!, up: up!, down: down! },
    },
    finalNorm: norms[2]!,
    head: permutedRows(head, [...tokens], 1),
    guesses: { tokens, bias },
    readsPrompt: false,
    goesOn: true,
  };
}
