/** What published weights will ask of a machine in 4 bits, before they are converted. */
import { type ModelFacts, NO_WEIGHTS, type WeightCounts } from '../models/model-facts.ts';
import type { Decoder, FeedForward, Mixer, NextTokenLayer } from './architectures/decoder.ts';
import { openDecoder } from './architectures/registry.ts';
import { openCheckpoint } from './checkpoint.ts';
import { conversionBytes, matricesOf } from './conversion-size.ts';
import { allExperts, publishedExpert } from './experts.ts';
import { bodyForms, trainedForms } from './forms.ts';
import type { ExpertForms, ExpertWeights } from './graph/moe-block.ts';

/** As they are, without a carving or a drafter of ours. Throws what converting throws of weights that cannot be read. */
export async function factsOfSource(source: string): Promise<ModelFacts> {
  const checkpoint = await openCheckpoint(source);
  try {
    const model = await openDecoder(checkpoint);
    const parts = { precision: 'int4', isSplit: false, shortcut: null, guesser: model.nextToken } as const;
    return await factsOfModel(model, await conversionBytes(model, parts));
  } finally {
    await checkpoint.close();
  }
}

export async function factsOfModel(model: Decoder, diskBytes: number): Promise<ModelFacts> {
  const [met, idle] = [{ ...NO_WEIGHTS }, { ...NO_WEIGHTS }];
  let rowBytes = 0;
  for (let i = 0; i < model.dims.layers; i++) {
    const { mixer, feedForward } = await model.layer(i);
    for (const { rows, cols } of matricesOf(mixer)) met.int8 += rows * cols;
    rowBytes += 4 * cachedWidth(mixer, model.dims.headDim * model.dims.kvHeads);
    addFeedForward(feedForward, met, idle);
  }
  const head = { ...NO_WEIGHTS, int4: model.head.rows * model.head.cols };
  const drafter = drafterOf(model.nextToken);
  const { layers } = model.dims;
  return { layers, met, head, idle, drafter, sparse: NO_WEIGHTS, kvBytes: rowBytes, diskBytes };
}

/** All its experts: as large as a layer of the model's. */
function drafterOf(drafter: NextTokenLayer | null): WeightCounts {
  const counts = { ...NO_WEIGHTS };
  if (!drafter) return counts;
  const { projection, layer, head } = drafter;
  for (const { rows, cols } of [projection, ...matricesOf(layer.mixer)]) counts.int8 += rows * cols;
  addFeedForward(layer.feedForward, counts, counts);
  counts.int4 += head.rows * head.cols;
  return counts;
}

/** Floats that attention reads of every earlier token. A convolution reads the last few alone. */
function cachedWidth(mixer: Mixer, keyWidth: number): number {
  if (mixer.kind === 'grouped') return 2 * keyWidth;
  return mixer.kind === 'latent' ? mixer.rotated + mixer.rank : 0;
}

function addFeedForward(feedForward: FeedForward, met: WeightCounts, idle: WeightCounts): void {
  const add = (counts: WeightCounts, weights: ExpertWeights, forms: ExpertForms, times = 1) => {
    for (const part of ['gateUp', 'down'] as const)
      counts[forms[part].kind] += weights[part].rows * weights[part].cols * times;
  };
  if (feedForward.kind === 'dense') {
    const weights = allExperts(feedForward, undefined);
    add(met, weights, bodyForms('int4', weights));
    return;
  }
  const { experts, shared, router } = feedForward;
  const expert = publishedExpert(experts[0]!);
  const forms = trainedForms('int4', expert);
  add(met, expert, forms, router.perToken);
  add(idle, expert, forms, experts.length - router.perToken);
  if (!shared) return;
  const unit = publishedExpert(shared);
  add(met, unit, bodyForms('int4', unit));
}
