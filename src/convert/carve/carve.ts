/**
 * `moebius carve`: makes the carving of a dense model from its GGUF and a folder of calibration text.
 *
 * The text goes through the model layer by layer, in float32. Of each layer only its own weights are in memory, beside
 * the calibration tokens' hidden states and this layer's activations: 4 * tokens * (feedForward + 2 * hidden) bytes.
 * Method: CMoE (arXiv 2502.04416) in outline, with influence instead of activation counts for the shared expert,
 * clusters of gate directions, and a ridge regression for the router.
 */
import packageJson from '../../../package.json';
import { MoebiusError, toMoebiusError } from '../../base/errors.ts';
import type { Decoder } from '../architectures/decoder.ts';
import { openDecoder } from '../architectures/registry.ts';
import type { CarvedLayer, Carving } from '../carving.ts';
import { openCheckpoint } from '../checkpoint.ts';
import { denseFeedForward } from '../experts.ts';
import { assertWritable } from '../sealed-data.ts';
import { concatFloats, type MatrixSource, stacked } from '../weights.ts';
import { type AttentionMatrices, attention, rmsNorm } from './attention.ts';
import { cutSequences, readCorpus, textSha256 } from './corpus.ts';
import {
  type FeedForwardMatrices,
  type FeedForwardTrace,
  feedForward,
  neuronInfluence,
  routerSamples,
} from './feed-forward.ts';
import { plannedLevels } from './levels.ts';
import { type ExpertSizes, partition } from './partition.ts';
import { fitRouter } from './router.ts';
import { addTo, type Matrix, MeanSquares, matrix, rowOf, type TensorMath } from './tensor-math.ts';
import { Trial } from './trial.ts';
import { writeCarving } from './writer.ts';

export interface CarveOptions {
  /** The published weights of a dense model, see openCheckpoint. */
  source: string;
  /** Id of the model, recorded in the carving. */
  id: string;
  /** Folder of text files, see corpus.ts. */
  corpus: string;
  tokens: number;
  /** Further tokens, of texts that the carving is not made from, on which it is tried: as many of them as the corpus has. */
  heldTokens?: number;
  /** Equal groups of neurons; `sharedGroups` of them form the shared expert, each other one a routed expert. */
  groups: number;
  sharedGroups: number;
  seed: number;
  outFolder: string;
  tokenize(text: string): number[];
  math: TensorMath;
  onProgress?(progress: CarveProgress): void;
  signal?: AbortSignal;
}

export interface CarveProgress {
  phase: 'carve';
  percent: number;
  secondsLeft: number | null;
  message: string;
}

export const SEQUENCE_TOKENS = 1024;
/** Quantised kernels work on blocks of 32 or 64 input channels, which must not straddle experts. */
const NEURON_MULTIPLE = 64;
const CREATED_BY = `moebius carve ${packageJson.version}`;

/** Writes carving.json and carving.bin. Throws MoebiusError: `unsupported`, `bad-request`, `format-invalid`, `cancelled`. */
export async function carve(options: CarveOptions): Promise<Carving> {
  const checkpoint = await openCheckpoint(options.source);
  try {
    const model = await openDecoder(checkpoint);
    await assertCarvable(model);
    const sizes = expertSizes(model.dims.feedForward, options);
    await assertWritable(options.outFolder);
    const { tokenize } = options;
    const corpus = await readCorpus({
      folder: options.corpus,
      tokens: options.tokens,
      sequenceTokens: SEQUENCE_TOKENS,
      seed: options.seed,
      tokenize,
    });
    const held = cutSequences(corpus.rest, {
      tokens: options.heldTokens ?? 0,
      sequenceTokens: SEQUENCE_TOKENS,
      tokenize,
    });
    const embedded = (sequences: Uint32Array[]) => inOrder(sequences, sequence => embed(model, sequence));
    const states = { made: await embedded(corpus.sequences), held: await embedded(held.sequences) };
    const trial = new Trial(sizes);
    const stepsOfLayer = states.made.length + states.held.length + sizes.routed;
    const step = stepCounter(model.dims.layers * stepsOfLayer, options);
    const layers: CarvedLayer[] = [];
    for (let index = 0; index < model.dims.layers; index++) {
      layers.push(await carveLayer(options.math, model, index, states, sizes, options.seed, trial, step));
    }
    const quality = trial.quality();
    const carving = { ...sizes, levels: plannedLevels(sizes, layers.length), layers };
    const { layers: count, hidden, feedForward, heads, headDim } = model.dims;
    const attentionWidth = heads * headDim;
    await writeCarving(options.outFolder, carving, {
      model: options.id,
      dims: { layers: count, hidden, feedForward, ...(attentionWidth !== hidden && { attentionWidth }) },
      calibration: {
        tokens: corpus.sequences.length * SEQUENCE_TOKENS,
        sequenceTokens: SEQUENCE_TOKENS,
        files: corpus.files,
        corpusSha256: corpus.sha256,
        usedSha256: corpus.used.map(textSha256),
        seed: options.seed,
      },
      ...(quality && { quality }),
      createdBy: CREATED_BY,
    });
    return carving;
  } catch (error) {
    throw toMoebiusError(error);
  } finally {
    await checkpoint.close();
  }
}

export function expertSizes(
  feedForward: number,
  { groups, sharedGroups }: Pick<CarveOptions, 'groups' | 'sharedGroups'>,
): ExpertSizes {
  const routedNeurons = feedForward / groups;
  const isWhole = Number.isInteger(groups) && routedNeurons % NEURON_MULTIPLE === 0;
  if (!isWhole || !Number.isInteger(sharedGroups) || sharedGroups < 0 || sharedGroups >= groups) {
    throw new MoebiusError(
      'bad-request',
      `${feedForward} neurons can't form ${groups} equal groups, ${sharedGroups} of them shared: choose groups of a multiple of ${NEURON_MULTIPLE} neurons, and fewer shared ones than groups.`,
    );
  }
  return { sharedNeurons: sharedGroups * routedNeurons, routed: groups - sharedGroups, routedNeurons };
}

/** Carves layer `index`; `states` [n, hidden] of every sequence go through it, and on those held back it is tried. */
async function carveLayer(
  math: TensorMath,
  model: Decoder,
  index: number,
  states: { made: readonly Matrix[]; held: readonly Matrix[] },
  sizes: ExpertSizes,
  seed: number,
  trial: Trial,
  step: () => void,
): Promise<CarvedLayer> {
  const { dims } = model;
  const weights = await loadLayer(model, index);
  const { gate, down } = weights.feedForward;
  const attentionIn = new MeanSquares(dims.hidden);
  const attentionOut = new MeanSquares(dims.heads * dims.headDim);
  const feedForwardIn = new MeanSquares(dims.hidden);
  const feedForwardMid = new MeanSquares(dims.feedForward);
  const passThrough = async (state: Matrix) => {
    const pass = await attention(math, dims, weights.attention, state);
    addTo(state.values, pass.output.values);
    const input = rmsNorm(state, weights.feedForwardNorm, dims.rmsEpsilon);
    return { pass, trace: await feedForward(math, weights.feedForward, input, state) };
  };
  const traces: FeedForwardTrace[] = [];
  for (const state of states.made) {
    const { pass, trace } = await passThrough(state);
    attentionIn.add(pass.input);
    attentionOut.add(pass.mixed);
    feedForwardIn.add(trace.input);
    feedForwardMid.add(trace.middle);
    traces.push(trace);
    step();
  }
  const order = await partition(math, gate, neuronInfluence(traces, down), sizes, seed);
  const samples = await routerSamples(math, traces, down, order, sizes, step);
  const { weight, bias } = await fitRouter(math, samples);
  for (const state of states.held) {
    const { trace } = await passThrough(state);
    await trial.add(math, index, trace, down, { order, router: weight, routerBias: bias });
    step();
  }
  return {
    order,
    router: weight,
    routerBias: bias,
    importance: {
      attentionIn: attentionIn.mean(),
      attentionOut: attentionOut.mean(),
      feedForwardIn: feedForwardIn.mean(),
      feedForwardMid: feedForwardMid.mean(),
    },
  };
}

/** Before minutes of work: what attention.ts computes, and a feed-forward block of one piece, in every layer. */
async function assertCarvable(model: Decoder): Promise<void> {
  for (let index = 0; index < model.dims.layers; index++) {
    const { mixer } = await model.layer(index);
    if (mixer.kind !== 'grouped' || mixer.sinks || mixer.isWindowed || !model.rope) {
      throw new MoebiusError(
        'unsupported',
        `Models of architecture ${model.architecture} can't be carved: only dense ones can whose layers all attend to everything before them (qwen2, qwen3, llama).`,
      );
    }
    await denseFeedForward(model, index);
  }
}

/** Makes one after the other. */
async function inOrder<T, R>(items: readonly T[], make: (item: T) => Promise<R>): Promise<R[]> {
  const made: R[] = [];
  for (const item of items) made.push(await make(item));
  return made;
}

async function loadLayer(
  model: Decoder,
  index: number,
): Promise<{
  attention: AttentionMatrices;
  feedForwardNorm: Float32Array;
  feedForward: FeedForwardMatrices;
}> {
  const { mixerNorm, mixer, feedForwardNorm } = await model.layer(index);
  if (mixer.kind !== 'grouped') throw new MoebiusError('internal', 'assertCarvable lets no other pass.');
  const { biases, query, key, value, output, outputBias, norms } = mixer;
  const { gate, up, down } = await denseFeedForward(model, index);
  return {
    attention: {
      norm: mixerNorm,
      bias: biases && concatFloats([biases.query, biases.key, biases.value]),
      qkv: await load(stacked([query, key, value])),
      norms,
      rope: model.rope!,
      output: await load(output),
      outputBias,
    },
    feedForwardNorm,
    feedForward: { gate: await load(gate), up: await load(up), down: await load(down) },
  };
}

const load = async (source: MatrixSource): Promise<Matrix> =>
  matrix(source.rows, source.cols, await source.values(0, source.rows));

async function embed(model: Decoder, tokens: Uint32Array): Promise<Matrix> {
  const out = matrix(tokens.length, model.dims.hidden);
  for (const [row, token] of tokens.entries()) rowOf(out, row).set(await model.embedding.values(token, 1));
  return out;
}

/** Called after each of `total` steps; stops a cancelled run. Steps differ in length, so the time left is a guess. */
function stepCounter(total: number, options: CarveOptions): () => void {
  const start = performance.now();
  let done = 0;
  return () => {
    options.signal?.throwIfAborted();
    done++;
    const elapsed = (performance.now() - start) / 1000;
    options.onProgress?.({
      phase: 'carve',
      percent: (100 * done) / total,
      secondsLeft: elapsed > 2 ? Math.round((elapsed * (total - done)) / done) : null,
      message: `Carving ${options.id}`,
    });
  };
}
