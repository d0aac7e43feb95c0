/**
 * The carving of a dense model into a Mixture-of-Experts: which feed-forward neurons form the shared expert and each
 * routed expert, and the router of every layer. Data in models/<id>/, made once by `moebius carve`, applied by convert.
 */
import type { ExpertLayout } from '../models/manifest.ts';

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
  /** Mean square of each input channel on calibration data, for activation-aware quantisation. */
  importance: { attentionIn: Float32Array; attentionOut: Float32Array; feedForwardIn: Float32Array; feedForwardMid: Float32Array };
}
