/**
 * Perplexity on standard-library code, two texts of 1,024 tokens: each variant against the fp32 conversion of
 * the same weights, and llama.cpp on the same GGUF. Lower is better; +1 % is the most that int4 may cost.
 */
import type { ModelVariant } from '../../../src/protocol/daemon.ts';
import type { ChildContender } from '../child-contender.ts';
import type { ContenderConfig } from '../contender.ts';
import { QUALITY_FILES, readCorpus } from '../corpus.ts';
import { type Figure, type Log, llamaConfig, moebiusConfig, type Plan } from '../plan.ts';
import { withContenders } from '../rounds.ts';
import { perplexity } from '../statistics.ts';

export const QUALITY_FIGURE = 'perplexity above fp32';

export async function quality(plan: Plan, log: Log): Promise<Figure[]> {
  const texts = QUALITY_FILES.map(file => readCorpus([file]).text);
  const values: Record<string, number> = {};
  const measure = (config: ContenderConfig, label: string) =>
    withContenders([config], async ([contender]) => {
      const value = perplexity(await scores(contender!, texts, plan.quick ? 257 : 1024));
      values[label] = value;
      log(`perplexity, ${label}: ${value.toFixed(4)}`);
    });
  for (const variant of Object.keys(plan.variants) as ModelVariant[]) {
    for (const config of moebiusConfig(plan, variant)) await measure(config, variant);
  }
  for (const config of llamaConfig(plan)) await measure(config, 'llama.cpp');
  return [
    { scenario: 'quality', what: 'perplexity', unit: 'ppl', values, rounds: 1 },
    ...aboveReference(values),
  ];
}

async function scores(contender: ChildContender, texts: string[], tokens: number): Promise<Float32Array[]> {
  const all: Float32Array[] = [];
  for (const text of texts) {
    all.push(await contender.score((await contender.tokenize(text)).slice(0, tokens), 'exact'));
  }
  return all;
}

function aboveReference(values: Record<string, number>): Figure[] {
  const reference = values.fp32;
  if (!reference) return [];
  const above = Object.entries(values).map(([name, value]) => [name, 100 * (value / reference - 1)]);
  return [
    {
      scenario: 'quality',
      what: QUALITY_FIGURE,
      unit: '%',
      values: Object.fromEntries(above),
      rounds: 1,
    },
  ];
}
