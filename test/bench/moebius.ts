/** Moebius' own engine on a converted model, without the daemon. */
import { hooksFor } from '../../src/cli/engine-session.ts';
import { loadEngine } from '../../src/engine/load.ts';
import type { ChildSide, ContenderConfig, Written } from './contender.ts';

export async function openMoebius(config: ContenderConfig & { kind: 'moebius' }): Promise<ChildSide> {
  const { folder, contextTokens, threads } = config;
  const engine = await loadEngine({ folder, contextTokens, threads });
  const hooks = hooksFor(new AbortController().signal);
  return {
    settings: async () => `threads ${engine.info().threads}, ${config.variant}`,
    async write(prompt, maxTokens, level, { drafts = false } = {}): Promise<Written> {
      const start = performance.now();
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
      return {
        promptTokens: usage.promptTokens,
        reusedTokens: usage.reusedTokens,
        steps: finish === 'stop' ? usage.outputTokens : usage.outputTokens - 1,
        // By the clock around the call, tokenising included; only the steps' own share is the engine's word.
        firstTokenMs: totalMs - usage.decodeMs,
        decodeMs: usage.decodeMs,
        text,
      };
    },
    score: (tokens, level) => engine.score(tokens, level, hooks),
    close: () => engine.dispose(),
  };
}
