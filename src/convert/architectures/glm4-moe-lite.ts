/**
 * GLM-4.7-Flash: GLM's experts behind multi-head latent attention. Its maps into and out of the latent space are multiplied
 * into the neighbouring matrices here, so that one key head of rank + rotated channels is all that is cached.
 * Source: transformers, models/glm4_moe_lite.
 */
import { MoebiusError } from '../../base/errors.ts';
import type { Checkpoint } from '../checkpoint.ts';
import { ropeOf } from '../rope.ts';
import { computedMatrix, memoryMatrix, pickRows, stacked } from '../weights.ts';
import type { Decoder, DecoderLayer, LatentAttention } from './decoder.ts';
import { glmFeedForward, glmNextToken } from './glm4-moe.ts';
import { dimsOf, ends, norms } from './parts.ts';

interface LatentDims {
  heads: number;
  hidden: number;
  /** Channels of a head: with positions, without, and of its values. */
  rotated: number;
  plain: number;
  value: number;
  rank: number;
  isInterleaved: boolean;
}

export async function glm4MoeLite(checkpoint: Checkpoint): Promise<Decoder> {
  const { config } = checkpoint;
  if (config.boolean('attention_bias', false)) {
    throw new MoebiusError('unsupported', 'Latent attention with biases is not supported.');
  }
  const latent: LatentDims = {
    heads: config.number('num_attention_heads'),
    hidden: config.number('hidden_size'),
    rotated: config.number('qk_rope_head_dim'),
    plain: config.number('qk_nope_head_dim'),
    value: config.number('v_head_dim'),
    rank: config.number('kv_lora_rank'),
    isInterleaved: config.boolean('rope_interleave', true),
  };
  const dims = dimsOf(checkpoint, { kvHeads: 1, headDim: latent.rotated + latent.rank });
  const layer = async (index: number): Promise<DecoderLayer> => ({
    ...(await norms(checkpoint, index)),
    mixer: await latentAttention(checkpoint, `model.layers.${index}.self_attn`, latent),
    feedForward: await glmFeedForward(checkpoint, index),
  });
  const common = ends(checkpoint);
  return {
    architecture: checkpoint.architecture,
    dims,
    ...common,
    rope: ropeOf(config, latent.rotated),
    layer,
    nextToken: await glmNextToken(checkpoint, { ...common, layer }),
  };
}

async function latentAttention(
  { matrix, vector, has }: Checkpoint,
  at: string,
  dims: LatentDims,
): Promise<LatentAttention> {
  const { heads, hidden, rotated, plain, value, rank } = dims;
  const isCompressed = has(`${at}.q_a_proj.weight`);
  const published = matrix(`${at}.${isCompressed ? 'q_b_proj' : 'q_proj'}.weight`);
  const output = matrix(`${at}.o_proj.weight`);
  /** [heads * (plain + value), rank]: from the latent space to keys and values. */
  const expansion = () => vector(`${at}.kv_b_proj.weight`);
  const order = rotationOrder(dims);

  const query = computedMatrix(heads * (rotated + rank), published.cols, async () => {
    const expand = await expansion();
    const out = new Float32Array(heads * (rotated + rank) * published.cols);
    for (let head = 0; head < heads; head++) {
      const rows = await published.values(head * (plain + rotated), plain + rotated);
      const into = out.subarray(head * (rotated + rank) * published.cols);
      into.set(pickRows(rows.subarray(plain * published.cols), published.cols, order));
      const keys = expand.subarray(head * (plain + value) * rank);
      // Latent channel r: sum over the plain channels c of keys[c, r] * rows[c].
      for (let c = 0; c < plain; c++) {
        for (let r = 0; r < rank; r++) {
          addScaled(
            into,
            (rotated + r) * published.cols,
            rows,
            c * published.cols,
            published.cols,
            keys[c * rank + r]!,
          );
        }
      }
    }
    return out;
  });
  const folded = computedMatrix(hidden, heads * rank, async () => {
    const expand = await expansion();
    const weights = await output.values(0, hidden);
    const out = new Float32Array(hidden * heads * rank);
    for (let row = 0; row < hidden; row++) {
      for (let head = 0; head < heads; head++) {
        for (let v = 0; v < value; v++) {
          const factor = weights[(row * heads + head) * value + v]!;
          addScaled(
            out,
            (row * heads + head) * rank,
            expand,
            (head * (plain + value) + plain + v) * rank,
            rank,
            factor,
          );
        }
      }
    }
    return out;
  });
  const down = await vector(`${at}.kv_a_proj_with_mqa.weight`);
  return {
    kind: 'latent',
    rotated,
    rank,
    queryDown: isCompressed
      ? { matrix: matrix(`${at}.q_a_proj.weight`), norm: await vector(`${at}.q_a_layernorm.weight`) }
      : null,
    query,
    key: stacked([
      memoryMatrix(pickRows(down.subarray(rank * hidden), hidden, order), hidden),
      memoryMatrix(down.subarray(0, rank * hidden), hidden),
    ]),
    keyNorm: await vector(`${at}.kv_a_layernorm.weight`),
    output: folded,
    scale: 1 / Math.sqrt(plain + rotated),
  };
}

/** Rotated channels in the order of the graphs: the first of all pairs, then the second of all pairs. */
function rotationOrder({ rotated, isInterleaved }: LatentDims): number[] {
  const half = rotated / 2;
  return Array.from({ length: rotated }, (_, i) =>
    isInterleaved ? 2 * (i % half) + Math.floor(i / half) : i,
  );
}

/** to[at..] += factor * from[start..], `count` numbers. */
function addScaled(
  to: Float32Array,
  at: number,
  from: Float32Array,
  start: number,
  count: number,
  factor: number,
): void {
  for (let i = 0; i < count; i++) to[at + i]! += factor * from[start + i]!;
}
