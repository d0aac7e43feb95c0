/** What most architectures have in common, by the names that transformers gives the tensors. */
import { MoebiusError } from '../../base/errors.ts';
import type { ModelDims } from '../../models/manifest.ts';
import type { Checkpoint } from '../checkpoint.ts';
import type { Config } from '../config.ts';
import { ropeOf } from '../rope.ts';
import { type MatrixSource, scaled } from '../weights.ts';
import type {
  Decoder,
  DenseFeedForward,
  Expert,
  FeedForward,
  GroupedAttention,
  RouterWeights,
} from './decoder.ts';

/** Dimensions by their usual settings. Throws `model-invalid` or `unsupported` for what no graph can be built of. */
export function dimsOf({ config, matrix }: Checkpoint, given: Partial<ModelDims> = {}): ModelDims {
  const hidden = config.number('hidden_size');
  const heads = config.number('num_attention_heads');
  const rope = config.section('rope_parameters');
  const dims: ModelDims = {
    layers: config.number('num_hidden_layers'),
    hidden,
    heads,
    kvHeads: config.number('num_key_value_heads', heads),
    headDim: config.number('head_dim', hidden / heads),
    vocab: matrix('model.embed_tokens.weight').rows,
    feedForward: config.number('intermediate_size'),
    trainedContext: config.number('max_position_embeddings'),
    ropeTheta: rope.number('rope_theta', config.number('rope_theta', 10_000)),
    rmsEpsilon: config.number('rms_norm_eps', 1e-6),
    ...given,
  };
  for (const [name, value] of Object.entries(dims)) {
    if (!(value > 0)) throw new MoebiusError('model-invalid', `The model says that its ${name} is ${value}.`);
  }
  const { kvHeads, headDim } = dims;
  if (!Number.isInteger(headDim) || headDim % 2 || heads % kvHeads) {
    throw new MoebiusError(
      'unsupported',
      `The model's attention has ${heads} heads, ${kvHeads} key/value heads and ${headDim} channels a head, which this version cannot run.`,
    );
  }
  return dims;
}

/** A decoder of the form that Llama made common; `feedForward` where a layer's is not one gated unit. */
export function plainDecoder(
  checkpoint: Checkpoint,
  feedForward: (index: number) => FeedForward | Promise<FeedForward> = index =>
    gatedUnit(checkpoint, `model.layers.${index}.mlp`),
  dims: ModelDims = dimsOf(checkpoint),
): Decoder {
  return {
    architecture: checkpoint.architecture,
    dims,
    ...ends(checkpoint),
    rope: ropeOf(checkpoint.config, dims.headDim),
    layer: async index => ({
      ...(await norms(checkpoint, index)),
      mixer: await groupedAttention(checkpoint, index, dims),
      feedForward: await feedForward(index),
    }),
    nextToken: null,
  };
}

/** Positions that Qwen's windowed layers see; null where its settings switch windows off. */
export const qwenWindow = (config: Config): number | null =>
  config.boolean('use_sliding_window', false) ? config.numberOrNull('sliding_window', 4096) : null;

/** The same with layers that see the last `slidingWindow` positions instead of all; itself where no layer does. */
export function withWindows(
  decoder: Decoder,
  slidingWindow: number,
  isWindowed: (layer: number) => boolean,
): Decoder {
  if (!Array.from({ length: decoder.dims.layers }, (_, i) => isWindowed(i)).includes(true)) return decoder;
  return {
    ...decoder,
    dims: { ...decoder.dims, slidingWindow },
    layer: async index => {
      const layer = await decoder.layer(index);
      const { mixer } = layer;
      return mixer.kind === 'grouped'
        ? { ...layer, mixer: { ...mixer, isWindowed: isWindowed(index) } }
        : layer;
    },
  };
}

type Ends = Pick<Decoder, 'embedding' | 'head' | 'isTied' | 'finalNorm' | 'parameters'>;

/** Embedding, output projection and the norm before it. */
export function ends({ config, matrix, vector, has, parameters }: Checkpoint): Ends {
  const embedding = matrix('model.embed_tokens.weight');
  const isTied = config.boolean('tie_word_embeddings', false) || !has('lm_head.weight');
  return {
    parameters,
    embedding,
    head: isTied ? embedding : matrix('lm_head.weight'),
    isTied,
    finalNorm: () => vector('model.norm.weight'),
  };
}

/** Layer norms as nearly all name them. */
export async function norms({ vector }: Checkpoint, layer: number) {
  return {
    mixerNorm: await vector(`model.layers.${layer}.input_layernorm.weight`),
    feedForwardNorm: await vector(`model.layers.${layer}.post_attention_layernorm.weight`),
  };
}

interface AttentionNames {
  output: string;
  queryNorm: string;
  keyNorm: string;
}

/** Biases, norms of queries and keys, and sinks are there where the checkpoint has them. */
export async function groupedAttention(
  { matrix, vector, has }: Checkpoint,
  layer: number,
  dims: ModelDims,
  names: AttentionNames = { output: 'o_proj', queryNorm: 'q_norm', keyNorm: 'k_norm' },
): Promise<GroupedAttention> {
  const at = (part: string) => `model.layers.${layer}.self_attn.${part}`;
  const optional = async (part: string) => (has(at(part)) ? vector(at(part)) : null);
  const [query, key, value] = [
    await optional('q_proj.bias'),
    await optional('k_proj.bias'),
    await optional('v_proj.bias'),
  ];
  const queryNorm = await optional(`${names.queryNorm}.weight`);
  const { hidden, heads, kvHeads, headDim } = dims;
  const sized = (part: string, rows: number, cols: number) => ofSize(matrix(at(part)), at(part), rows, cols);
  return {
    kind: 'grouped',
    query: sized('q_proj.weight', heads * headDim, hidden),
    key: sized('k_proj.weight', kvHeads * headDim, hidden),
    value: sized('v_proj.weight', kvHeads * headDim, hidden),
    biases: query && key && value && { query, key, value },
    output: sized(`${names.output}.weight`, hidden, heads * headDim),
    outputBias: await optional(`${names.output}.bias`),
    norms: queryNorm && { query: queryNorm, key: await vector(at(`${names.keyNorm}.weight`)) },
    scale: 1 / Math.sqrt(dims.headDim),
    sinks: await optional('sinks'),
    isWindowed: false,
  };
}

interface UnitNames {
  gate: string;
  up: string;
  down: string;
}

/** Gate, up and down below `prefix`. Throws `unsupported` if one has a bias, which the graphs have no place for. */
export function gatedUnit(
  { matrix, has }: Checkpoint,
  prefix: string,
  names: UnitNames = { gate: 'gate_proj', up: 'up_proj', down: 'down_proj' },
): DenseFeedForward {
  const biased = Object.values(names).find(name => has(`${prefix}.${name}.bias`));
  if (biased !== undefined) {
    const bias = `${prefix}.${biased}.bias`;
    throw new MoebiusError('unsupported', `Feed-forward layers with biases are not supported (${bias}).`);
  }
  const gate = matrix(`${prefix}.${names.gate}.weight`);
  const [up, down] = [`${prefix}.${names.up}.weight`, `${prefix}.${names.down}.weight`];
  return {
    kind: 'dense',
    gate,
    up: ofSize(matrix(up), up, gate.rows, gate.cols),
    down: ofSize(matrix(down), down, gate.cols, gate.rows),
  };
}

/** `matrix`, if it is as large as the settings say; else throws `model-invalid` with its name. */
function ofSize(matrix: MatrixSource, name: string, rows: number, cols: number): MatrixSource {
  if (matrix.rows === rows && matrix.cols === cols) return matrix;
  throw new MoebiusError(
    'model-invalid',
    `The tensor ${name} is ${matrix.rows} x ${matrix.cols} where the model's settings ask for ${rows} x ${cols}. Fetch the model again.`,
  );
}

/** `count` experts with a matrix of their own for each product. */
export function separateExperts(checkpoint: Checkpoint, prefix: string, count: number): Expert[] {
  return Array.from({ length: count }, (_, e) => gatedUnit(checkpoint, `${prefix}.${e}`));
}

/** What a router is without, unless its architecture says otherwise. */
export const PLAIN_ROUTER = {
  bias: null,
  selectionBias: null,
  groups: null,
  normalise: null,
  scale: 1,
} satisfies Partial<RouterWeights>;

/** Number of routed experts; the setting has had two names. */
export const expertCount = (config: Config): number =>
  config.number(config.has('num_experts') ? 'num_experts' : 'num_local_experts');

/** A router that takes the `perToken` best of a softmax over all experts. */
export async function softmaxRouter(
  { vector }: Checkpoint,
  name: string,
  perToken: number,
  isNormalised: boolean,
): Promise<RouterWeights> {
  return {
    ...PLAIN_ROUTER,
    weight: await vector(name),
    scores: 'softmax',
    perToken,
    normalise: isNormalised ? { epsilon: 0 } : null,
  };
}

/** The same unit with its output times a number. */
export function scaledUnit<Unit extends Omit<DenseFeedForward, 'kind'>>(unit: Unit, factor: number): Unit {
  return { ...unit, down: scaled(unit.down, factor) };
}
