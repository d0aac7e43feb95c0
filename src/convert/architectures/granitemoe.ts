/**
 * Granite 3 MoE: Llama's form with four multipliers, all of which are multiplied into weights here, and experts stacked in
 * one tensor. Source: transformers, models/granitemoe and granitemoeshared.
 */
import type { Checkpoint } from '../checkpoint.ts';
import { type MatrixSource, rowsOf, scaled } from '../weights.ts';
import type { Decoder, DenseFeedForward, FeedForward } from './decoder.ts';
import { dimsOf, expertCount, groupedAttention, PLAIN_ROUTER, plainDecoder, scaledUnit } from './parts.ts';

export function graniteMoe(checkpoint: Checkpoint): Decoder {
  const { config } = checkpoint;
  const dims = dimsOf(checkpoint);
  const decoder = plainDecoder(checkpoint, index => feedForward(checkpoint, index), dims);
  const residual = config.number('residual_multiplier', 1);
  const embedding = config.number('embedding_multiplier', 1);
  // Tied rows are scaled with the embedding; the norm before the output projection takes that back.
  const logits = 1 / (config.number('logits_scaling', 1) * (decoder.isTied ? embedding : 1));
  const rows = scaled(decoder.embedding, embedding);
  return {
    ...decoder,
    embedding: rows,
    head: decoder.isTied ? rows : decoder.head,
    finalNorm: async () => (await decoder.finalNorm()).map(weight => weight * logits),
    layer: async index => {
      const attention = await groupedAttention(checkpoint, index, dims);
      return {
        ...(await decoder.layer(index)),
        mixer: {
          ...attention,
          output: scaled(attention.output, residual),
          outputBias: attention.outputBias?.map(bias => bias * residual) ?? null,
          scale: config.number('attention_multiplier', 1),
        },
      };
    },
  };
}

async function feedForward({ config, matrix, vector, has }: Checkpoint, index: number): Promise<FeedForward> {
  const moe = `model.layers.${index}.block_sparse_moe`;
  const shared = `model.layers.${index}.shared_mlp`;
  const residual = config.number('residual_multiplier', 1);
  const count = expertCount(config);
  const [input, output] = [matrix(`${moe}.input_linear.weight`), matrix(`${moe}.output_linear.weight`)];
  const unit = (up: MatrixSource, down: MatrixSource): DenseFeedForward => {
    const half = up.rows / 2;
    const both = { gate: rowsOf(up, 0, half), up: rowsOf(up, half, half) };
    return scaledUnit({ kind: 'dense', ...both, down }, residual);
  };
  const slice = (of: MatrixSource, e: number) => rowsOf(of, (e * of.rows) / count, of.rows / count);
  return {
    kind: 'sparse',
    router: {
      ...PLAIN_ROUTER,
      weight: await vector(`${moe}.router.layer.weight`),
      scores: 'chosen',
      perToken: config.number('num_experts_per_tok'),
    },
    experts: Array.from({ length: count }, (_, e) => unit(slice(input, e), slice(output, e))),
    shared: has(`${shared}.input_linear.weight`)
      ? unit(matrix(`${shared}.input_linear.weight`), matrix(`${shared}.output_linear.weight`))
      : null,
  };
}
