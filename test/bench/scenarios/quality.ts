/**
 * Perplexity on standard-library code, two texts of 1,024 tokens: each variant against the fp32 conversion of
 * the same weights, and llama.cpp on the same GGUF. Lower is better; +1 % is the most that int4 may cost. Their
 * beginnings are scored in single steps too, with the kernels that write answers.
 */
import type { ModelVariant } from '../../../src/protocol/daemon.ts';
import type { ChildContender } from '../child-contender.ts';
import type { ContenderConfig } from '../contender.ts';
import { QUALITY_FILES, readCorpus } from '../corpus.ts';
import { type Figure, type Log, llamaConfig, moebiusConfig, type Plan } from '../plan.ts';
import { withContenders } from '../rounds.ts';
import { perplexity } from '../statistics.ts';

export const QUALITY_FIGURE = 'perplexity above fp32';
/** Of each text, in single steps. */
const STEPS = { full: 150, quick: 20 };
export const STEPS_FIGURE = `${QUALITY_FIGURE}, single steps`;

export async function quality(plan: Plan, log: Log): Promise<Figure[]> {
  const texts = QUALITY_FILES.map(file => readCorpus([file]).text);
  const steps = STEPS[plan.quick ? 'quick' : 'full'];
  const values: Record<string, number> = {};
  /** Of the tokens that are scored in single steps too. */
  const beginnings: Record<string, number> = {};
  const stepped: Record<string, number> = {};
  const measure = (config: ContenderConfig, label: string) =>
    withContenders([config], async ([contender]) => {
      const all = await scores(contender!, texts, plan.quick ? 257 : 1024);
      values[label] = perplexity(all);
      beginnings[label] = perplexity(all.map(part => part.subarray(0, steps)));
      log(`perplexity, ${label}: ${values[label].toFixed(4)}`);
    });
  for (const variant of Object.keys(plan.variants) as ModelVariant[]) {
    for (const config of moebiusConfig(plan, variant)) {
      await measure(config, variant);
      // In float32 one row and many differ by rounding alone.
      if (variant === 'fp32' || !plan.variants.fp32) continue;
      await withContenders([{ ...config, isSingleSteps: true }], async ([contender]) => {
        stepped[variant] = perplexity(await scores(contender!, texts, steps + 1));
        log(`perplexity, ${variant}, single steps: ${stepped[variant].toFixed(4)}`);
      });
    }
  }
  for (const config of llamaConfig(plan)) await measure(config, 'llama.cpp');
  return [
    { scenario: 'quality', what: 'perplexity', unit: 'ppl', values, rounds: 1 },
    ...above(QUALITY_FIGURE, values, values.fp32),
    ...above(STEPS_FIGURE, stepped, beginnings.fp32),
    ...above(
      `${QUALITY_FIGURE}, the same ${texts.length * steps} tokens in chunks`,
      beginnings,
      beginnings.fp32,
    ),
  ];
}

async function scores(contender: ChildContender, texts: string[], tokens: number): Promise<Float32Array[]> {
  const all: Float32Array[] = [];
  for (const text of texts) {
    all.push(await contender.score((await contender.tokenize(text)).slice(0, tokens), 'exact'));
  }
  return all;
}

function above(what: string, values: Record<string, number>, reference: number | undefined): Figure[] {
  const entries = Object.entries(values);
  if (!reference || entries.length === 0) return [];
  const shares = entries.map(([name, value]) => [name, 100 * (value / reference - 1)]);
  return [{ scenario: 'quality', what, unit: '%', values: Object.fromEntries(shares), rounds: 1 }];
}
