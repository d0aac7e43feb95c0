/** From two layers to the whole model: its speed, beside the one that reading its weights from memory allows at most. */
import { PACKED_BYTES } from '../../../src/models/hardware.ts';
import { type ModelFacts, weighed } from '../../../src/models/model-facts.ts';
import { SPARSE_LAYERS } from './checkpoint.ts';

export const CHUNK = 256;
/** Tokens in the cache of a step. */
export const CONTEXT = 512;

/** Of one or two layers, in milliseconds: a step, CHUNK tokens, the output projection. */
export interface LayerTimes {
  stepMs: number;
  chunkMs: number;
  headMs: number;
}
/** What one token meets of the same layers. */
export type LayerFacts = Pick<ModelFacts, 'met' | 'head' | 'kvBytes'>;

export interface Whole {
  /** A sparse layer alone. */
  layer: { stepMs: number; chunkMs: number; bytes: number };
  writesPerSecond: number;
  readsPerSecond: number;
  /** Read from memory for a token that is written: weights as the kernels hold them, keys and values of CONTEXT tokens. */
  bytesPerToken: number;
  boundPerSecond: number;
}

/** `times` and `facts`: of the dense layer alone, and of it with a sparse one. */
export function extrapolate(
  times: readonly [LayerTimes, LayerTimes],
  facts: readonly [LayerFacts, LayerFacts],
  bytesPerSecond: number,
): Whole {
  const whole = (of: (index: 0 | 1) => number) => of(0) + SPARSE_LAYERS * (of(1) - of(0));
  const layerBytes = (index: 0 | 1) =>
    weighed(facts[index].met, PACKED_BYTES) + CONTEXT * facts[index].kvBytes;
  const stepMs = whole(index => times[index].stepMs) + times[1].headMs;
  const bytesPerToken = whole(layerBytes) + weighed(facts[1].head, PACKED_BYTES);
  return {
    layer: {
      stepMs: times[1].stepMs - times[0].stepMs,
      chunkMs: times[1].chunkMs - times[0].chunkMs,
      bytes: layerBytes(1) - layerBytes(0),
    },
    writesPerSecond: 1000 / stepMs,
    readsPerSecond: (1000 * CHUNK) / whole(index => times[index].chunkMs),
    bytesPerToken,
    boundPerSecond: bytesPerSecond / bytesPerToken,
  };
}
