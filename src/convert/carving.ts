/**
 * The carving of a dense model into a Mixture-of-Experts: which feed-forward neurons form the shared expert and each
 * routed expert, and the router of every layer. Data in models/<id>/, made once by `moebius carve`, applied by convert.
 *
 * carving.json describes carving.bin, which holds for every layer in turn, little-endian:
 *   order       u16 [feedForward]
 *   router      f16 [hidden, routed]
 *   routerBias  f32 [routed]
 *   importance  f16, square roots of the mean squares: attentionIn [hidden], attentionOut [attentionWidth],
 *               feedForwardIn [hidden], feedForwardMid [feedForward]
 */
import { join } from 'node:path';
import { z } from 'zod';
import { MoebiusError } from '../base/errors.ts';
import type { ExpertLayout, ModelDims } from '../models/manifest.ts';
import type { LayerDeltas } from './deltas.ts';
import { dataFile, FieldReader, readDescription, readSealed } from './sealed-data.ts';

export interface Carving {
  sharedNeurons: number;
  routed: number;
  routedNeurons: number;
  levels: ExpertLayout['levels'];
  layers: CarvedLayer[];
}

export interface CarvedLayer {
  /** Permutation of the layer's neurons [feedForward]: the shared expert's first, then expert 0, 1, ... */
  order: Uint16Array;
  /** Router weight [hidden, routed], row-major; scores = x @ router + routerBias; the top k experts are used. */
  router: Float32Array;
  /** [routed] */
  routerBias: Float32Array;
  /**
   * Mean square of each input channel on calibration data, for activation-aware quantisation. All in the order of the
   * published weights: feedForwardMid [feedForward] is to be permuted by `order` together with the weights.
   */
  importance: {
    attentionIn: Float32Array;
    attentionOut: Float32Array;
    feedForwardIn: Float32Array;
    feedForwardMid: Float32Array;
  };
  /** What was trained after carving, for the routed graph alone; absent where nothing was (deltas.ts). */
  deltas?: LayerDeltas;
}

export interface CarvingDims extends Pick<ModelDims, 'layers' | 'hidden' | 'feedForward'> {
  /** Numbers that a token's heads give together, where they are not `hidden`. */
  attentionWidth?: number;
}

export const CARVING_FORMAT = 1;
export const CARVING_JSON = 'carving.json';

const count = z.int().positive();
const reads = z.int().nonnegative().nullable();
const plan = z.strictObject({
  readK: z.union([reads, z.array(count).min(1).readonly()]),
  writeK: reads,
  exactTail: z.int().nonnegative(),
  exactHead: z.int().nonnegative(),
  shortcut: z.literal(true).exactOptional(),
  tailNll: z.number().exactOptional(),
});
const sha256 = z.string().regex(/^[0-9a-f]{64}$/);
const quality = z.strictObject({
  /** Held-out ones. */
  tokens: count,
  errors: z.array(
    z.strictObject({
      experts: z.int().nonnegative(),
      /** Part of the neurons, the shared expert's among them. */
      active: z.number().min(0).max(1),
      /** Of every layer's feed-forward output: mean over the tokens of |error| / |output|. */
      layers: z.array(z.number().nonnegative()),
    }),
  ),
});
export type CarvingQuality = z.infer<typeof quality>;

const carvingJson = z.strictObject({
  format: z.literal(CARVING_FORMAT),
  model: z.string().min(1),
  dims: z.strictObject({
    layers: count,
    hidden: count,
    feedForward: count.max(0x10000),
    attentionWidth: count.exactOptional(),
  }),
  sharedNeurons: z.int().nonnegative(),
  routed: count,
  routedNeurons: count,
  levels: z.strictObject({
    exact: plan.exactOptional(),
    balanced: plan.exactOptional(),
    fast: plan.exactOptional(),
    frugal: plan.exactOptional(),
  }),
  /** Where the data comes from, for whoever wants to make it again. */
  calibration: z.strictObject({
    tokens: count,
    sequenceTokens: count,
    files: z.int().nonnegative(),
    /** Of all corpus files' bytes in the order of their names. */
    corpusSha256: sha256,
    /** Of each text that it was made from; absent where that was not noted yet. */
    usedSha256: z.array(sha256).exactOptional(),
    seed: z.int(),
  }),
  /** What few experts miss, each layer for itself; absent where no text was left to try it on. */
  quality: quality.exactOptional(),
  data: dataFile,
  createdBy: z.string(),
});
export type CarvingJson = z.infer<typeof carvingJson>;

/** Bytes of one layer in carving.bin. */
export function layerBytes(dims: CarvingDims, routed: number): number {
  const { hidden, feedForward, attentionWidth = hidden } = dims;
  return 2 * feedForward + 2 * hidden * routed + 4 * routed + 2 * (2 * hidden + attentionWidth + feedForward);
}

/**
 * Reads and checks the carving in `folder` for a model of these dimensions. Errors: `not-found` without carving.json,
 * `hash-mismatch` if the data file is damaged, `model-invalid` if it is for another model or does not add up.
 */
export async function readCarving(folder: string, dims: CarvingDims): Promise<Carving> {
  const json = await readCarvingJson(folder);
  for (const name of ['layers', 'hidden', 'feedForward'] as const) {
    if (json.dims[name] !== dims[name]) {
      throw invalid(folder, `it is for ${json.model} with ${name} ${json.dims[name]}, not ${dims[name]}`);
    }
  }
  const { sharedNeurons, routed, routedNeurons, levels } = json;
  if (sharedNeurons + routed * routedNeurons !== dims.feedForward) {
    throw invalid(folder, `its experts do not add up to ${dims.feedForward} neurons`);
  }
  for (const [level, { readK, writeK }] of Object.entries(levels)) {
    if (Math.max(...[readK ?? 0, writeK ?? 0].flat()) > routed)
      throw invalid(folder, `level ${level} wants too many experts`);
    if (typeof readK === 'object' && readK && readK.length !== dims.layers)
      throw invalid(folder, `level ${level} has experts for ${readK.length} of ${dims.layers} layers`);
  }
  const expected = dims.layers * layerBytes(json.dims, routed);
  if (json.data.sizeBytes !== expected) throw invalid(folder, `its data should have ${expected} bytes`);
  const source = new FieldReader(await readSealed(join(folder, json.data.file), json.data));
  const layers = Array.from({ length: dims.layers }, (_, index) => {
    const layer = readLayer(source, json.dims, routed);
    const fault = layerFault(layer);
    if (fault) throw invalid(folder, `layer ${index}: ${fault}`);
    return layer;
  });
  return { sharedNeurons, routed, routedNeurons, levels, layers };
}

/** The description alone, checked for shape. Errors: `not-found`, `model-invalid`. */
export async function readCarvingJson(folder: string): Promise<CarvingJson> {
  return readDescription(join(folder, CARVING_JSON), carvingJson);
}

function readLayer(source: FieldReader, dims: CarvingDims, routed: number): CarvedLayer {
  const { hidden, feedForward, attentionWidth = hidden } = dims;
  return {
    order: source.u16(feedForward),
    router: source.f16(hidden * routed),
    routerBias: source.f32(routed),
    importance: {
      attentionIn: square(source.f16(hidden)),
      attentionOut: square(source.f16(attentionWidth)),
      feedForwardIn: square(source.f16(hidden)),
      feedForwardMid: square(source.f16(feedForward)),
    },
  };
}

/** What is wrong with a layer, or undefined. */
export function layerFault(layer: CarvedLayer): string | undefined {
  const seen = new Uint8Array(layer.order.length);
  for (const neuron of layer.order) seen[neuron] = 1;
  if (seen.includes(0)) return 'the order of its neurons is not a permutation';
  const { attentionIn, attentionOut, feedForwardIn, feedForwardMid } = layer.importance;
  for (const values of [
    layer.router,
    layer.routerBias,
    attentionIn,
    attentionOut,
    feedForwardIn,
    feedForwardMid,
  ]) {
    if (!values.every(Number.isFinite)) return 'it holds numbers that are not finite';
  }
  return undefined;
}

const square = (values: Float32Array): Float32Array => values.map(value => value * value);

function invalid(folder: string, problem: string): MoebiusError {
  return new MoebiusError('model-invalid', `The carving in ${folder} can't be used: ${problem}.`);
}
