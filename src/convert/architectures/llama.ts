/**
 * Llama and the dense models of the same form: Qwen2 (biases on queries, keys and values), Qwen3 (norms on the
 * heads of queries and keys); what a checkpoint has of these is taken. Source: transformers, models/{llama,qwen2,qwen3}.
 */
import type { Checkpoint } from '../checkpoint.ts';
import type { Decoder } from './decoder.ts';
import { plainDecoder } from './parts.ts';

/** Where llama.cpp keeps by how much each pair of channels is slowed down. */
const GGUF_FACTORS = 'rope_freqs.weight';

export async function llama(checkpoint: Checkpoint): Promise<Decoder> {
  const decoder = plainDecoder(checkpoint);
  if (!checkpoint.has(GGUF_FACTORS)) return decoder;
  const factors = await checkpoint.vector(GGUF_FACTORS);
  const { frequencies, scale } = decoder.rope!;
  return {
    ...decoder,
    rope: { frequencies: frequencies.map((frequency, i) => frequency / factors[i]!), scale },
  };
}
