/** Writing far into a context, where keys and values weigh: each engine with and without drafts. A context is read once. */
import { promptOfLength, readCorpus, SPEED_FILES } from '../corpus.ts';
import { type Figure, type Log, labelOf, llamaConfig, moebiusConfig, type Plan } from '../plan.ts';
import { eachRound, requireSameTokens, rotated, Samples, withContenders } from '../rounds.ts';
import { perSecond } from '../statistics.ts';

export const CONTEXTS = [128, 2048, 8192] as const;

export const writeFigure = (context: number): string => `write at ${context}`;

export function decode(plan: Plan, log: Log): Promise<Figure[]> {
  const contexts = plan.quick ? [CONTEXTS[0], 512] : CONTEXTS;
  const steps = plan.quick ? 32 : 64;
  const room = Math.max(...contexts) + 2 * steps;
  const { text } = readCorpus(SPEED_FILES);
  const configs = [...llamaConfig(plan, room), ...moebiusConfig(plan, plan.variant, room)];
  return withContenders(configs, async contenders => {
    const figures: Figure[] = [];
    for (const [i, context] of contexts.entries()) {
      const labels = contenders.flatMap(({ name }) => [labelOf(name, false), labelOf(name, true)]);
      const writing = new Samples(labels);
      const prompt = await promptOfLength(text, context, i, contenders[0]!.tokenize);
      await requireSameTokens(contenders, prompt);
      // llama.cpp's predictor belongs to a sequence, so that it reads the context once for each of the two.
      for (const drafts of [false, true]) {
        const options = { drafts, continues: true };
        for (const contender of contenders) await contender.write(prompt, 8, 'exact', options);
        const what = labelOf(writeFigure(context), drafts);
        for (const round of eachRound(plan, what, log)) {
          for (const contender of rotated(contenders, round)) {
            const result = await contender.write(prompt, steps + 1, 'exact', options);
            if (result.reusedTokens !== context - 1) {
              throw new Error(`${contender.name} kept ${result.reusedTokens} of ${context - 1} tokens.`);
            }
            writing.add(labelOf(contender.name, drafts), perSecond(result.steps, result.decodeMs));
          }
        }
      }
      figures.push(writing.figure('decode', writeFigure(context), 'tokens/s'));
    }
    return figures;
  });
}
