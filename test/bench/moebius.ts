/** Moebius' own engine on a converted model, without the daemon. */
import { hooksFor } from '../../src/cli/engine-session.ts';
import type { Engine } from '../../src/engine/engine.ts';
import { loadEngine } from '../../src/engine/load.ts';
import type { ModelVariant } from '../../src/protocol/daemon.ts';
import type { ChildSide, ContenderConfig, Written } from './contender.ts';

export async function openMoebius(config: ContenderConfig & { kind: 'moebius' }): Promise<ChildSide> {
  const { folder, contextTokens, threads } = config;
  return contenderOf(await loadEngine({ folder, contextTokens, threads }), config.variant);
}

export function contenderOf(engine: Engine, variant: ModelVariant): ChildSide {
  const { signal } = new AbortController();
  return {
    settings: async () => `threads ${engine.info().threads}, ${variant}`,
    async write(prompt, maxTokens, level, { drafts = false } = {}): Promise<Written> {
      const start = performance.now();
      let readMs = 0;
      const hooks = hooksFor(signal, event => {
        if (event.type === 'prefill' && event.done === event.total) readMs = performance.now() - start;
      });
      const params = {
        requestId: 'bench',
        sequence: 'bench',
        prompt,
        maxTokens,
        level,
        drafts,
        temperature: 0,
      };
      const { text, usage, finish } = await engine.generate(params, hooks);
      const totalMs = performance.now() - start;
      const steps = finish === 'stop' ? usage.outputTokens : usage.outputTokens - 1;
      // As llama.cpp's: all between reading and the end, JavaScript included, and by the same clock.
      const decodeMs = steps > 0 ? totalMs - readMs : 0;
      return {
        promptTokens: usage.promptTokens,
        reusedTokens: usage.reusedTokens,
        steps,
        firstTokenMs: totalMs - decodeMs,
        decodeMs,
        text,
      };
    },
    score: (tokens, level) => engine.score(tokens, level, hooksFor(signal)),
    close: () => engine.dispose(),
  };
}
