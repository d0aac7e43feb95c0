/**
 * gpt-oss: every other layer sees a window, heads have sinks, experts have biases and a clamped activation, and gate and up
 * lie row by row in turns. Experts are published in MXFP4, [experts, outputs, inputs]; saved again in other types they are
 * [experts, inputs, outputs]. Source: transformers, models/gpt_oss.
 */
import type { Checkpoint } from '../checkpoint.ts';
import { computedMatrix, type MatrixSource, pickColumns, pickRows, rowsOf, transposed } from '../weights.ts';
import type { Decoder, Expert, FeedForward } from './decoder.ts';
import { expertCount, PLAIN_ROUTER, plainDecoder, withWindows } from './parts.ts';

export function gptOss(checkpoint: Checkpoint): Decoder {
  const { config } = checkpoint;
  const decoder = plainDecoder(checkpoint, index => feedForward(checkpoint, index));
  const kinds = config.strings(
    'layer_types',
    Array.from({ length: decoder.dims.layers }, (_, i) => (i % 2 ? 'full_attention' : 'sliding_attention')),
  );
  return withWindows(decoder, config.number('sliding_window'), i => kinds[i] === 'sliding_attention');
}

async function feedForward({ config, matrix, vector, has }: Checkpoint, index: number): Promise<FeedForward> {
  const mlp = `model.layers.${index}.mlp`;
  const count = expertCount(config);
  const hidden = config.number('hidden_size');
  const neurons = config.number('intermediate_size');
  const clamped = { alpha: config.number('swiglu_alpha', 1.702), limit: config.number('swiglu_limit', 7) };
  const isTransposed = has(`${mlp}.experts.down_proj`) && !isPacked(matrix(`${mlp}.experts.down_proj`));
  const [gateUp, down] = ['gate_up_proj', 'down_proj'].map(name => matrix(`${mlp}.experts.${name}`));
  const gateUpBias = await vector(`${mlp}.experts.gate_up_proj_bias`);
  const downBias = await vector(`${mlp}.experts.down_proj_bias`);
  const every = (start: number) => Array.from({ length: neurons }, (_, i) => 2 * i + start);
  const part = (whole: MatrixSource, e: number, rows: number, cols: number, order: number[]) =>
    computedMatrix(order.length, cols, async () => {
      if (!isTransposed) return pickRows(await rowsOf(whole, e * rows, rows).values(0, rows), cols, order);
      const turned = await rowsOf(whole, e * cols, cols).values(0, cols); // [inputs, outputs]
      return transposed(pickColumns(turned, rows, order), cols);
    });
  const expert = (e: number): Expert => ({
    gate: part(gateUp!, e, 2 * neurons, hidden, every(0)),
    up: part(gateUp!, e, 2 * neurons, hidden, every(1)),
    down: part(
      down!,
      e,
      hidden,
      neurons,
      Array.from({ length: hidden }, (_, i) => i),
    ),
    biases: {
      gate: pickRows(gateUpBias.subarray(e * 2 * neurons), 1, every(0)),
      up: pickRows(gateUpBias.subarray(e * 2 * neurons), 1, every(1)),
      down: downBias.slice(e * hidden, (e + 1) * hidden),
    },
    clamped,
  });
  return {
    kind: 'sparse',
    router: {
      ...PLAIN_ROUTER,
      weight: await vector(`${mlp}.router.weight`),
      bias: await vector(`${mlp}.router.bias`),
      scores: 'chosen',
      perToken: config.number('num_experts_per_tok'),
    },
    experts: Array.from({ length: count }, (_, e) => expert(e)),
    shared: null,
  };
}

const isPacked = (matrix: MatrixSource): boolean => matrix.type === 'MXFP4';
