/** How many bytes a conversion writes, by the shapes and forms of its weights: known before the work, which takes hours. */
import { alignedBytes } from '../formats/onnx-data.ts';
import type { Decoder, FeedForward, Mixer, NextTokenLayer } from './architectures/decoder.ts';
import { allExperts, publishedExpert } from './experts.ts';
import {
  bodyForms,
  carvedForm,
  guesserForms,
  headForm,
  type Precision,
  productForm,
  trainedForms,
  wideForm,
} from './forms.ts';
import { storedBytes, type WeightForm } from './graph/linear.ts';
import type { ExpertForms, ExpertWeights } from './graph/moe-block.ts';
import type { Shortcut } from './graph/shortcut.ts';
import type { MatrixSource } from './weights.ts';

interface ConversionParts {
  precision: Precision;
  /** The layers once more, carved. */
  isSplit: boolean;
  shortcut: Pick<Shortcut, 'matrix'> | null;
  guesser: NextTokenLayer | null;
}

/** Without norms and graphs, which are small. */
export async function conversionBytes(
  model: Decoder,
  { precision, isSplit, shortcut, guesser }: ConversionParts,
): Promise<number> {
  const { dims, head, embedding, isTied, rope } = model;
  const mixerForm = productForm(precision, dims.hidden);
  // Cosines and sines, in every graph that has keys.
  const positions = rope ? 2 * alignedBytes(4 * rope.frequencies.length * dims.trainedContext) : 0;

  let bytes = positions * (isSplit ? 2 : 1);
  for (let i = 0; i < dims.layers; i++) {
    const { mixer, feedForward } = await model.layer(i);
    const mixing = bytesOf(matricesOf(mixer), mixerForm);
    bytes += mixing + feedForwardBytes(feedForward, precision);
    if (isSplit && feedForward.kind === 'dense') {
      const form = carvedForm(precision);
      bytes += mixing + unitBytes(publishedExpert(feedForward), { gateUp: form, down: form });
    }
  }
  if (shortcut) bytes += 2 * positions + storedBytes(shortcut.matrix, mixerForm);

  const wide = wideForm(precision, dims.hidden);
  bytes += storedBytes(head, wide) + (isTied ? 0 : storedBytes(embedding, wide));
  if (precision !== 'fp32') bytes += storedBytes(head, headForm(precision, dims.hidden));

  if (!guesser) return bytes;
  const forms = guesserForms(precision, guesser, dims.hidden);
  const { mixer, feedForward } = guesser.layer;
  bytes += positions + bytesOf([guesser.projection, ...matricesOf(mixer)], forms.mixer);
  return bytes + feedForwardBytes(feedForward, forms.precision) + storedBytes(guesser.head, forms.head);
}

export function matricesOf(mixer: Mixer): MatrixSource[] {
  switch (mixer.kind) {
    case 'grouped':
      return [mixer.query, mixer.key, mixer.value, mixer.output];
    case 'latent':
      return [...(mixer.queryDown ? [mixer.queryDown.matrix] : []), mixer.query, mixer.key, mixer.output];
    case 'convolution':
      return [mixer.input, mixer.output];
  }
}

function feedForwardBytes(feedForward: FeedForward, precision: Precision): number {
  if (feedForward.kind === 'dense') {
    const weights = allExperts(feedForward, undefined);
    return unitBytes(weights, bodyForms(precision, weights));
  }
  const { experts, shared, router } = feedForward;
  const expert = publishedExpert(experts[0]!);
  const routed = experts.length * unitBytes(expert, trainedForms(precision, expert));
  const unit = shared && publishedExpert(shared);
  const sharedBytes = unit ? unitBytes(unit, bodyForms(precision, unit)) : 0;
  return routed + sharedBytes + router.weight.byteLength;
}

const unitBytes = ({ gateUp, down, biases }: ExpertWeights, forms: ExpertForms): number =>
  storedBytes(gateUp, forms.gateUp) +
  storedBytes(down, forms.down) +
  (biases ? alignedBytes(biases.gateUp.byteLength) + alignedBytes(biases.down.byteLength) : 0);

const bytesOf = (matrices: readonly MatrixSource[], form: WeightForm): number =>
  matrices.reduce((sum, matrix) => sum + storedBytes(matrix, form), 0);
