/** What a model asks of a machine, as numbers of weights: a machine's measured weights a second turn them into times. */
import type { ModelVariant } from '../protocol/daemon.ts';
import { catalogue } from './catalogue.ts';
import { chatLevelOf } from './chat-level.ts';
import type { EightBitProducts, Manifest } from './manifest.ts';

/** Numbers of weights by the form they have in the graphs (docs/engine.md). */
export interface WeightCounts {
  int4: number;
  int4min: number;
  int8: number;
  w8a8: number;
  f32: number;
}

export interface ModelFacts {
  layers: number;
  /** Of all layers, what one token meets. */
  met: WeightCounts;
  /** Output projection: once for every token that is written, and once for a prompt. */
  head: WeightCounts;
  /** Of the experts that one token leaves out, but a prompt's many tokens together do not. */
  idle: WeightCounts;
  /** What guesses ahead. */
  drafter: WeightCounts;
  /** The layers once more, in the graphs with which chats read: opened with the first long prompt. */
  sparse: WeightCounts;
  /** Keys and values of one token of context, float32. */
  kvBytes: number;
  /** When installed. */
  diskBytes: number;
}

export const NO_WEIGHTS: WeightCounts = { int4: 0, int4min: 0, int8: 0, w8a8: 0, f32: 0 };
const FORMS = Object.keys(NO_WEIGHTS) as (keyof WeightCounts)[];

/** What a 4-bit weight costs more whose matrix has further columns, for the blocks' minima. */
export const WITH_MINIMA = 1 + 1 / 16;
/** Codes, and a float32 scale for a block of 32. */
const FOUR_BITS = 0.5 + 4 / 32;
/** Bytes a weight on disk; 8 bits in blocks have a scale for 128. */
export const DISK_BYTES: WeightCounts = {
  int4: FOUR_BITS,
  int4min: FOUR_BITS * WITH_MINIMA,
  int8: 1 + 4 / 128,
  w8a8: 1,
  f32: 4,
};

/** Facts of a converted model: what the catalogue knows of it, else what its manifest lets count. */
export function factsOf(manifest: Manifest): ModelFacts {
  const diskBytes = Object.values(manifest.files).reduce((sum, file) => sum + file.sizeBytes, 0);
  return { ...(published(manifest) ?? counted(manifest)), drafter: drafterOf(manifest), diskBytes };
}

/** By its file: nearly all of it has the form of our own. */
function drafterOf({ graphs, files, variant }: Manifest): WeightCounts {
  const form = variant === 'fp32' ? 'f32' : 'int4';
  const bytes = (graphs.drafter && files[graphs.drafter.data]?.sizeBytes) ?? 0;
  return { ...NO_WEIGHTS, [form]: Math.round(bytes / DISK_BYTES[form]) };
}

const isFromGguf = ({ source }: Manifest): boolean => /\.gguf$/i.test(source.file);

/** Tables that are published twice and what guesses ahead are in some counts; a model with fewer experts is further off. */
const SAME_PARAMETERS = 0.05;

/**
 * Of a repository in the catalogue, or of one that has its shape, whatever it is called. A manifest does not tell layers without
 * attention, latent attention, or leading layers without experts.
 */
function published(manifest: Manifest): ModelFacts | null {
  const { architecture, dims, parameters, variant, products } = manifest;
  if (isFromGguf(manifest)) return null;
  const entry = catalogue().find(
    one =>
      one.kind === 'repository' &&
      one.architecture === architecture &&
      one.facts.layers === dims.layers &&
      one.facts.head.int4 === dims.vocab * dims.hidden &&
      Math.abs(parameters / one.parameters - 1) < SAME_PARAMETERS,
  );
  return entry ? factsIn(entry.facts, variant, products) : null;
}

/** Facts of a model in 4 bits, as the catalogue has them, as those of another variant. */
export function factsIn(facts: ModelFacts, variant: ModelVariant, products?: EightBitProducts): ModelFacts {
  const form = formOf(variant, products);
  const coarse = (weights: WeightCounts) => (form === 'f32' ? inForm(weights, form) : weights);
  const counts = { met: inForm(facts.met, form), head: coarse(facts.head), idle: inForm(facts.idle, form) };
  // Floats have no second graphs, and with products of codes chats read everything.
  const sparse = form === 'f32' || form === 'w8a8' ? NO_WEIGHTS : inForm(facts.sparse, form);
  // Quantised, a carved model has its weights in a second graph too, which 4 bits have in theirs.
  const diskBytes =
    variant === 'fp32'
      ? weightBytes(counts)
      : Math.round((facts.diskBytes * weightBytes(counts)) / weightBytes(facts));
  return { ...facts, ...counts, drafter: coarse(facts.drafter), sparse, diskBytes };
}

/** Whether it was trained with experts, most of which a token leaves idle. */
export const hasExperts = ({ idle }: Pick<ModelFacts, 'idle'>): boolean => FORMS.some(form => idle[form] > 0);

const weightBytes = ({ met, head, idle }: Pick<ModelFacts, 'met' | 'head' | 'idle'>): number =>
  [met, head, idle].reduce((sum, weights) => sum + weighed(weights, DISK_BYTES), 0);

/** Of all weights together: bytes, seconds or what `each` form costs. */
export const weighed = (weights: WeightCounts, each: WeightCounts): number =>
  FORMS.reduce((sum, form) => sum + weights[form] * each[form], 0);

/** What weights outside the head become; null where they keep the forms that they have in 4 bits. */
function formOf(variant: ModelVariant, products: EightBitProducts = 'codes'): keyof WeightCounts | null {
  if (variant === 'int4') return null;
  if (variant === 'fp32') return 'f32';
  return products === 'blocks' ? 'int8' : 'w8a8';
}

function inForm(weights: WeightCounts, form: keyof WeightCounts | null): WeightCounts {
  if (form === null) return weights;
  return { ...NO_WEIGHTS, [form]: FORMS.reduce((sum, one) => sum + weights[one], 0) };
}

/** As if each layer were like the others. The manifest does not list the forms; the size of its data file tells them apart. */
function counted(manifest: Manifest): Omit<ModelFacts, 'drafter' | 'diskBytes'> {
  const { dims, experts, variant, products, files } = manifest;
  const { layers, hidden, heads, kvHeads, headDim, feedForward, vocab, trainedContext } = dims;
  const kvWidth = kvHeads * headDim;
  const attention = layers * hidden * headDim * (2 * heads + 2 * kvHeads);
  const expert = 3 * hidden;
  const isSparse = experts && manifest.graphs.routed && chatLevelOf(experts, products) !== 'exact';
  const isTrained = experts?.kind === 'trained';
  const shared = layers * expert * (isTrained ? experts.sharedNeurons : feedForward);
  const routed = isTrained ? layers * expert * experts.routedNeurons * experts.routed : 0;
  const taken = routed * (isTrained ? (experts.perToken ?? experts.routed) / experts.routed : 1);
  const weights = attention + shared + routed;

  // RoPE's tables lie in the same file: cos and sin [context, headDim / 2].
  const ropeBytes = trainedContext * headDim * 4;
  const bytes = (files[manifest.graphs.body.data]?.sizeBytes ?? 0) - ropeBytes;
  // Of a GGUF they are Q4_K, which has minima.
  const fourBitForm = isFromGguf(manifest) ? 'int4min' : 'int4';
  const int4 = variant === 'int4' ? fourBitWeights(weights, bytes, DISK_BYTES[fourBitForm]) : 0;
  const idle = routed - taken;
  const idle4 = Math.min(idle, int4);
  const count = (fourBit: number, others: number): WeightCounts => ({
    ...NO_WEIGHTS,
    [formOf(variant, products) ?? 'int8']: others,
    [fourBitForm]: fourBit,
  });
  const head = vocab * hidden;
  return {
    layers,
    met: count(int4 - idle4, weights - int4 - (idle - idle4)),
    // The first stage reads plain 4-bit rows; the 8-bit ones are read one by one.
    head: { ...NO_WEIGHTS, [variant === 'fp32' ? 'f32' : 'int4']: head },
    idle: count(idle4, idle - idle4),
    sparse: isSparse ? sparseOf(attention, shared, variant) : NO_WEIGHTS,
    kvBytes: layers * 2 * kvWidth * 4,
  };
}

/** Split experts are plain 4-bit blocks (convert/forms.ts). */
const sparseOf = (attention: number, feedForward: number, variant: ModelVariant): WeightCounts =>
  variant === 'int4'
    ? { ...NO_WEIGHTS, int4: feedForward, int8: attention }
    : { ...NO_WEIGHTS, int8: feedForward + attention };

/** How many of `weights` have 4 bits, the others 8, if together they take `bytes`. */
function fourBitWeights(weights: number, bytes: number, bytesOfOne: number): number {
  const share = (DISK_BYTES.int8 - bytes / weights) / (DISK_BYTES.int8 - bytesOfOne);
  return Math.round(weights * Math.min(1, Math.max(0, share)));
}
