/** Which form each weight of a model takes; docs/engine.md says why. */
import type { ModelVariant } from '../protocol/daemon.ts';
import type { NextTokenLayer } from './architectures/decoder.ts';
import type { WeightForm } from './graph/linear.ts';
import type { ExpertForms, ExpertWeights } from './graph/moe-block.ts';
import type { MatrixSource } from './weights.ts';

/** A variant, with its 8 bits told apart: `codes` are multiplied as codes, `int8` in blocks. */
export type Precision = ModelVariant | 'codes';

export const precisionOf = (variant: ModelVariant, products?: 'codes' | 'blocks'): Precision =>
  variant === 'int8' && products !== 'blocks' ? 'codes' : variant;

export type WideForm = Extract<WeightForm, { kind: 'f32' | 'int8' }>;

/** Weights that the publisher did not quantise: how many bits they are worth is for the variant to say. */
const UNQUANTISED = new Set(['F32', 'F16', 'BF16', 'MXFP4']);

export function wideForm(precision: Precision, cols: number): WideForm {
  return precision === 'fp32' ? { kind: 'f32' } : { kind: 'int8', blockSize: widestBlock(cols) };
}

/** Products whose inputs all tokens of a run have. */
export const productForm = (precision: Precision, cols: number): WeightForm =>
  precision === 'codes' ? { kind: 'w8a8' } : wideForm(precision, cols);

/** Of those that divide a row: fewer scales to read, and the fastest kernels. */
const widestBlock = (cols: number): number => [128, 64].find(size => cols % size === 0) ?? 32;

/**
 * Feed-forward matrices that are written with, so as close to the published weights as the format allows: where the
 * publisher chose four bits, four bits with a minimum, in which Q4_K keeps its codes; other quantised ones become 8-bit.
 */
function bodyForm(precision: Precision, { type, cols }: Pick<MatrixSource, 'type' | 'cols'>): WeightForm {
  if (precision !== 'int4') return productForm(precision, cols);
  if (type === 'Q4_K') return { kind: 'int4min' };
  return UNQUANTISED.has(type) ? { kind: 'int4', blockSize: 32 } : wideForm(precision, cols);
}

type Matrices = Pick<ExpertWeights, 'gateUp' | 'down'>;

/** Of a layer's feed-forward block, or an expert that every token meets. */
export const bodyForms = (precision: Precision, { gateUp, down }: Matrices): ExpertForms => ({
  gateUp: bodyForm(precision, gateUp),
  down: bodyForm(precision, down),
});

/** Codes of all experts' rows are scaled together, behind the products: where each adds a bias of its own there, blocks do. */
export const trainedForms = (precision: Precision, expert: ExpertWeights): ExpertForms =>
  bodyForms(expert.biases && precision === 'codes' ? 'int8' : precision, expert);

/** Only read with: plain 4-bit blocks, whose error is small beside what the skipped experts cost; narrow ones of 8 bits. */
export function carvedForm(precision: Precision): WeightForm {
  if (precision === 'codes') return { kind: 'w8a8' };
  return precision === 'int8' ? { kind: 'int8', blockSize: 64 } : { kind: 'int4', blockSize: 32 };
}

/** Of an output projection whose first look need not be exact. */
export const headForm = (precision: Precision, cols: number): WeightForm =>
  precision === 'fp32' ? { kind: 'f32' } : { kind: 'int4', blockSize: widestBlock(cols) };

/** Of what guesses ahead. Its output projection is coarse: a guess need not be exact. A layer of ours was trained in the four bits it is stored in. */
export function guesserForms(
  ofModel: Precision,
  { guesses, projection }: Pick<NextTokenLayer, 'guesses' | 'projection'>,
  hidden: number,
): { precision: Precision; mixer: WeightForm; head: WeightForm } {
  const precision = guesses && ofModel !== 'fp32' ? 'int4' : ofModel;
  const mixer = guesses ? bodyForm(precision, projection) : productForm(precision, hidden);
  return { precision, mixer, head: headForm(precision, hidden) };
}
