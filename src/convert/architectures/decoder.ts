/**
 * What an architecture says about a model: its layers as blocks that graph/ knows how to build. n = tokens of a run,
 * H = hidden size. Matrices are [outputs, inputs], as published; they are read when the graph writes them.
 */
import type { ModelDims } from '../../models/manifest.ts';
import type { Rope } from '../rope.ts';
import type { MatrixSource } from '../weights.ts';

export interface Decoder {
  architecture: string;
  dims: ModelDims;
  parameters: number;
  /** [vocab, H] */
  embedding: MatrixSource;
  /** Output projection [vocab, H]; the embedding itself where they are tied. */
  head: MatrixSource;
  isTied: boolean;
  finalNorm(): Promise<Float32Array>;
  /** null for a model without positions. */
  rope: Rope | null;
  layer(index: number): Promise<DecoderLayer>;
  /** One more layer that was trained to guess the token after next; null where there is none. */
  nextToken: NextTokenLayer | null;
}

/**
 * Guesses the token after next: head(finalNorm(layer(projection(inputs)))). Of a token the inputs are the embedding of the
 * token behind it, the states before some layers, and the last state, each normalised. So does multi-token prediction
 * (DeepSeek-V3, arXiv 2412.19437), without tapped states, and EAGLE-3 (arXiv 2503.01840).
 */
export interface NextTokenLayer {
  /** Layers whose input states are seen, ascending. */
  taps: readonly number[];
  /** RMSNorm weights [H] of each input, to be applied one after the other. */
  inputNorms: readonly (readonly Float32Array[])[];
  /** [H, inputs * H] */
  projection: MatrixSource;
  layer: DecoderLayer;
  finalNorm: Float32Array;
  /** [guesses, H] */
  head: MatrixSource;
  /** Which tokens the rows of `head` are, and a bias of their logits; null: row t is token t. */
  guesses: { tokens: Uint32Array; bias: Float32Array } | null;
  /** It was trained to see a text from its beginning; else from where the answer begins. */
  readsPrompt: boolean;
  /** Its last input is its own state, for tokens that the model has not run: so it can guess further than one token. */
  goesOn: boolean;
}

/** x + mixer(norm(x)), then the same with the feed-forward block. Norms are RMSNorm weights [H]. */
export interface DecoderLayer {
  mixerNorm: Float32Array;
  mixer: Mixer;
  feedForwardNorm: Float32Array;
  feedForward: FeedForward;
}

export type Mixer = GroupedAttention | LatentAttention | ShortConvolution;

/** Grouped-query attention. D = width of a head. */
export interface GroupedAttention {
  kind: 'grouped';
  /** [heads * D, H], then twice [kvHeads * D, H]. */
  query: MatrixSource;
  key: MatrixSource;
  value: MatrixSource;
  /** Of the three, or null. */
  biases: { query: Float32Array; key: Float32Array; value: Float32Array } | null;
  /** [H, heads * D] */
  output: MatrixSource;
  outputBias: Float32Array | null;
  /** RMSNorm of queries and keys before they are rotated: weights [D] head by head, or over all heads together. */
  norms: { query: Float32Array; key: Float32Array } | null;
  /** What the products of queries and keys are multiplied with. */
  scale: number;
  /** [heads]: a logit beside the scores that takes weight and gives nothing; null without. */
  sinks: Float32Array | null;
  /** Sees `dims.slidingWindow` positions instead of all. */
  isWindowed: boolean;
}

/**
 * Multi-head latent attention (DeepSeek-V2, arXiv 2405.04434) in its absorbed form: one key head, of `rotated` channels
 * with positions and `rank` without, the latter of which are the values too. The maps from and to the latent space are
 * multiplied into the query and output matrices at conversion.
 */
export interface LatentAttention {
  kind: 'latent';
  rotated: number;
  rank: number;
  /** [queryRank, H] with its norm [queryRank], or null where queries come from the hidden state itself. */
  queryDown: { matrix: MatrixSource; norm: Float32Array } | null;
  /** [heads * (rotated + rank), queryRank or H], the rotated channels of a head first. */
  query: MatrixSource;
  /** [rotated + rank, H], and the norm of the latter part [rank]. */
  key: MatrixSource;
  keyNorm: Float32Array;
  /** [H, heads * rank] */
  output: MatrixSource;
  scale: number;
}

/** Gated short convolution (LFM2): out(c * conv(b * x)), each channel for itself over the last `taps` positions. */
export interface ShortConvolution {
  kind: 'convolution';
  /** [3 H, H]: b, c, x. */
  input: MatrixSource;
  inputBias: Float32Array | null;
  taps: number;
  /** [H, taps], the oldest position first. */
  kernel: Float32Array;
  kernelBias: Float32Array | null;
  output: MatrixSource;
  outputBias: Float32Array | null;
}

export type FeedForward = DenseFeedForward | SparseFeedForward;

/** down(silu(gate x) * up x): `gate` and `up` [neurons, H], `down` [H, neurons]. */
export interface DenseFeedForward {
  kind: 'dense';
  gate: MatrixSource;
  up: MatrixSource;
  down: MatrixSource;
}

export interface SparseFeedForward {
  kind: 'sparse';
  router: RouterWeights;
  experts: Expert[];
  /** For every token, beside the routed ones. */
  shared: DenseFeedForward | null;
}

export interface Expert extends Omit<DenseFeedForward, 'kind'> {
  biases?: { gate: Float32Array; up: Float32Array; down: Float32Array };
  /** Where it is not silu(gate) * up: gpt-oss's (up + 1) * gate * sigmoid(alpha * gate), both clamped to `limit`. */
  clamped?: { alpha: number; limit: number };
}

/** How a trained model chooses its experts (E of them, k a token) and what each is worth. */
export interface RouterWeights {
  /** [E, H] */
  weight: Float32Array;
  /** Of the logits. */
  bias: Float32Array | null;
  /** Scores of the experts: `softmax` over all, `sigmoid` of each, or `chosen`: softmax over the chosen ones' logits. */
  scores: 'softmax' | 'sigmoid' | 'chosen';
  /** Added to the scores when choosing, not to the weights [E]. */
  selectionBias: Float32Array | null;
  /** First some of several equal groups, by the sum of the two best scores of each. */
  groups: { count: number; chosen: number } | null;
  perToken: number;
  /** Weights are divided by their sum and this; null: they are not. */
  normalise: { epsilon: number } | null;
  scale: number;
}
