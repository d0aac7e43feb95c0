/** The slow path that the fast one must equal: no cache, no chunks, the whole text through the body graph at every step. */
import type { EngineCore } from './core.ts';
import { Sampler } from './sampler.ts';

const REFERENCE_SEQUENCE = -1;

/** Greedy continuation of `prompt` by at most `maxTokens` ids; stops before an end token. */
export async function generateByReference(
  core: EngineCore,
  prompt: readonly number[],
  maxTokens: number,
): Promise<number[]> {
  const sampler = new Sampler({ temperature: 0 }, core.banned, core.tokenizer.size);
  const written: number[] = [];
  while (written.length < maxTokens) {
    const reply = await core.worker.request('forward', {
      sequence: REFERENCE_SEQUENCE,
      at: 0,
      tokens: [...prompt, ...written],
      experts: null,
      logitRows: 1,
      draftAbove: null,
    });
    const { token } = sampler.choose(reply.logits!);
    if (core.manifest.tokens.eos.includes(token)) break;
    written.push(token);
  }
  await core.worker.request('drop', { sequence: REFERENCE_SEQUENCE });
  return written;
}
