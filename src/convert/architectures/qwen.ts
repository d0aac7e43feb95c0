/**
 * Dense Qwen2 and Qwen3: Llama's form, of which later layers may see a window. Theirs say that they don't, models derived from
 * them may. Source: transformers, models/{qwen2,qwen3}.
 */
import type { Checkpoint } from '../checkpoint.ts';
import type { Decoder } from './decoder.ts';
import { llama } from './llama.ts';
import { qwenWindow, withWindows } from './parts.ts';

export async function qwen(checkpoint: Checkpoint): Promise<Decoder> {
  const { config } = checkpoint;
  const decoder = await llama(checkpoint);
  const window = qwenWindow(config);
  if (window === null) return decoder;
  const first = config.number('max_window_layers', 28);
  const kinds = config.strings(
    'layer_types',
    Array.from({ length: decoder.dims.layers }, (_, i) =>
      i < first ? 'full_attention' : 'sliding_attention',
    ),
  );
  return withWindows(decoder, window, i => kinds[i] === 'sliding_attention');
}
