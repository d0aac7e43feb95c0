/**
 * Perplexity on standard-library code, two texts of 1,024 tokens: each variant and level against the fp32 conversion of
 * the same weights, and llama.cpp on the same GGUF. Lower is better; +1 % is the most that int4 may cost.
 */
import type { ExpertLevel, ModelVariant } from '../../../src/protocol/daemon.ts';
import type { ChildContender } from '../child-contender.ts';
import type { ContenderConfig } from '../contender.ts';
import { QUALITY_FILES, readCorpus } from '../corpus.ts';
import { type Figure, type Log, llamaConfig, moebiusConfig, type Plan } from '../plan.ts';
import { withContenders } from '../rounds.ts';
import { perplexity } from '../statistics.ts';

export async function quality(plan: Plan, log: Log): Promise<Figure[]> {
  const texts = QUALITY_FILES.map(file => readCorpus([file]).text);
  const values: Record<string, number> = {};
  const measure = (config: ContenderConfig, levels: ExpertLevel[], label: (level: ExpertLevel) => string) =>
    withContenders([config], async ([contender]) => {
      for (const level of levels) {
        values[label(level)] = perplexity(await scores(contender!, texts, level, plan.quick ? 257 : 1024));
        log(`perplexity, ${label(level)}: ${values[label(level)]!.toFixed(4)}`);
      }
    });
  for (const variant of Object.keys(plan.variants) as ModelVariant[]) {
    const [config] = moebiusConfig(plan, variant);
    const levels: ExpertLevel[] = variant === 'int4' ? plan.levels : ['exact'];
    await measure(config!, levels, level => (level === 'exact' ? variant : `${variant} ${level}`));
  }
  for (const config of llamaConfig(plan)) await measure(config, ['exact'], () => 'llama.cpp');
  return [
    { scenario: 'quality', what: 'perplexity', unit: 'ppl', values, rounds: 1 },
    ...aboveReference(values),
  ];
}

function scores(contender: ChildContender, texts: string[], level: ExpertLevel, tokens: number) {
  return texts.reduce<Promise<Float32Array[]>>(async (earlier, text) => {
    const done = await earlier;
    const ids = (await contender.tokenize(text)).slice(0, tokens);
    return [...done, await contender.score(ids, level)];
  }, Promise.resolve([]));
}

function aboveReference(values: Record<string, number>): Figure[] {
  const reference = values.fp32;
  if (!reference) return [];
  const above = Object.entries(values).map(([name, value]) => [name, 100 * (value / reference - 1)]);
  return [
    {
      scenario: 'quality',
      what: 'perplexity above fp32',
      unit: '%',
      values: Object.fromEntries(above),
      rounds: 1,
    },
  ];
}
