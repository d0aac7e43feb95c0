/** Scores tokens as they are written: a run of the model for each, whose kernels for one row are other ones than those for many. */
import { hooksFor } from '../../src/cli/engine-session.ts';
import { loadCore } from '../../src/engine/load.ts';
import { levelPlan } from '../../src/engine/read-plan.ts';
import { Run } from '../../src/engine/run.ts';
import { logProbOf } from '../../src/engine/sampler.ts';
import type { ChildSide, ContenderConfig } from './contender.ts';

export async function openSingleSteps(
  config: Pick<ContenderConfig & { kind: 'moebius' }, 'folder' | 'contextTokens' | 'threads' | 'variant'>,
): Promise<ChildSide> {
  const { folder, contextTokens, threads, variant } = config;
  const core = await loadCore({ folder, contextTokens, threads });
  return {
    settings: async () => `threads ${threads}, ${variant}, single steps`,
    async write() {
      throw new Error('This one only scores.');
    },
    async score(tokens, level) {
      const sequence = core.sequences.lease('score');
      const plan = levelPlan(core.manifest.experts, level);
      const run = new Run(core, sequence, plan, hooksFor(new AbortController().signal));
      try {
        run.forget(sequence.tokens.length);
        const scores = new Float32Array(tokens.length - 1);
        for (const at of scores.keys()) {
          const { rows } = await run.step([tokens[at]!], null);
          scores[at] = logProbOf(rows[0]!, tokens[at + 1]!);
        }
        return scores;
      } finally {
        core.sequences.release(sequence);
      }
    },
    async close() {
      core.grammars.dispose();
      await core.worker.terminate();
    },
  };
}
