/**
 * What a carved model learned after it was carved (tools/distill): low-rank deltas of the feed-forward matrices and new
 * routers. Only the `routed` graph gets them, folded into its weights before they are quantised, so they cost nothing
 * at run time; `body`, and with it the level `exact`, stays the published model. An optional pair of files beside
 * carving.json, sealed to that carving by its hash.
 *
 * One delta spans a layer's whole matrix in place of one for each expert: B has a row for every neuron anyway, and with
 * A in common the same bytes buy several times the rank.
 *
 * deltas.json describes deltas.bin, which holds for every layer in turn, little-endian, neurons in published order:
 *   router      f16 [hidden, routed]
 *   routerBias  f32 [routed]
 *   gate, up    f16 A [rank, hidden], B [feedForward, rank]
 *   down        f16 A [rank, feedForward], B [hidden, rank]
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { MoebiusError } from '../base/errors.ts';
import { type Carving, type CarvingDims, readCarving } from './carving.ts';
import { dataFile, FieldReader, readDescription, readSealed } from './sealed-data.ts';
import { isOfCarving, trainedOnCarving } from './training.ts';

/** W becomes W + b @ a. */
export interface LowRank {
  rank: number;
  /** [rank, cols of W] */
  a: Float32Array;
  /** [rows of W, rank] */
  b: Float32Array;
}

/** Of one layer's matrices, in the order of the published neurons. */
export interface LayerDeltas {
  gate: LowRank;
  up: LowRank;
  down: LowRank;
}

interface TrainedLayer {
  /** As in CarvedLayer, in place of them. */
  router: Float32Array;
  routerBias: Float32Array;
  deltas: LayerDeltas;
}

const DELTAS_FORMAT = 1;
export const DELTAS_JSON = 'deltas.json';
/** More would hardly be low, and folding takes time in proportion. */
const MAX_RANK = 256;

const count = z.int().positive();
const deltasJson = z.strictObject({
  format: z.literal(DELTAS_FORMAT),
  model: z.string().min(1),
  dims: z.strictObject({ layers: count, hidden: count, feedForward: count }),
  routed: count,
  rank: count.max(MAX_RANK),
  ...trainedOnCarving,
  data: dataFile,
  createdBy: z.string(),
});

/**
 * The carving in `folder`, with the routers and deltas of a deltas.json beside it where there is one. Errors: those of
 * readCarving; `hash-mismatch` if deltas.bin is damaged, `model-invalid` if it belongs to another carving or doesn't add up.
 */
export async function readTrainedCarving(folder: string, dims: CarvingDims): Promise<Carving> {
  const carving = await readCarving(folder, dims);
  if (!existsSync(join(folder, DELTAS_JSON))) return carving;
  const trained = await readDeltas(folder, dims, carving.routed);
  return { ...carving, layers: carving.layers.map((layer, index) => ({ ...layer, ...trained[index]! })) };
}

async function readDeltas(folder: string, dims: CarvingDims, routed: number): Promise<TrainedLayer[]> {
  const json = await readDescription(join(folder, DELTAS_JSON), deltasJson);
  const invalid = (problem: string) =>
    new MoebiusError('model-invalid', `The deltas in ${folder} can't be used: ${problem}.`);
  for (const name of ['layers', 'hidden', 'feedForward'] as const) {
    if (json.dims[name] !== dims[name]) {
      throw invalid(`they are for ${json.model} with ${name} ${json.dims[name]}, not ${dims[name]}`);
    }
  }
  if (!(await isOfCarving(folder, json)))
    throw invalid('they were trained for another carving; train them again or remove deltas.json');
  if (json.routed !== routed) throw invalid(`they route to ${json.routed} experts, not ${routed}`);
  const expected = dims.layers * layerBytes(dims, routed, json.rank);
  if (json.data.sizeBytes !== expected) throw invalid(`their data should have ${expected} bytes`);

  const source = new FieldReader(await readSealed(join(folder, json.data.file), json.data));
  const { hidden, feedForward } = dims;
  const lowRank = (rows: number, cols: number): LowRank => ({
    rank: json.rank,
    a: source.f16(json.rank * cols),
    b: source.f16(rows * json.rank),
  });
  return Array.from({ length: dims.layers }, (_, index) => {
    const router = source.f16(hidden * routed);
    const routerBias = source.f32(routed);
    const deltas = {
      gate: lowRank(feedForward, hidden),
      up: lowRank(feedForward, hidden),
      down: lowRank(hidden, feedForward),
    };
    const numbers = [router, routerBias, ...Object.values(deltas).flatMap(({ a, b }) => [a, b])];
    if (!numbers.every(values => values.every(Number.isFinite))) {
      throw invalid(`layer ${index} holds numbers that are not finite`);
    }
    return { router, routerBias, deltas };
  });
}

/** Bytes of one layer in deltas.bin. */
function layerBytes({ hidden, feedForward }: CarvingDims, routed: number, rank: number): number {
  return 2 * hidden * routed + 4 * routed + 3 * 2 * rank * (hidden + feedForward);
}

/** `values` [rows, cols] with the delta added, as a new array; `values` itself where there is none. */
export function withDelta(values: Float32Array, delta: LowRank | undefined): Float32Array {
  if (!delta) return values;
  const { rank, a, b } = delta;
  const cols = a.length / rank;
  const out = values.slice();
  for (let at = 0; at < b.length; at++) {
    const factor = b[at]!;
    if (factor === 0) continue;
    const row = Math.floor(at / rank) * cols;
    const from = (at % rank) * cols;
    for (let col = 0; col < cols; col++) out[row + col]! += factor * a[from + col]!;
  }
  return out;
}
