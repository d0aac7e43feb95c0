/** Reading 128 to 4,096 tokens from nothing, and writing after 512: every level against llama.cpp. */
import { promptOfLength, readCorpus, SPEED_FILES } from '../corpus.ts';
import { type Figure, LLAMA, type Log, labelOf, llamaConfig, moebiusConfig, type Plan } from '../plan.ts';
import {
  eachRound,
  entriesOf,
  requireFresh,
  requireSameTokens,
  rotated,
  Samples,
  wake,
  warmUp,
  withContenders,
} from '../rounds.ts';
import { perSecond } from '../statistics.ts';

const WRITE_CONTEXT = 512;
const LONGEST = 4096;

export const readFigure = (tokens: number): string => `read ${tokens}`;

export function speed(plan: Plan, log: Log): Promise<Figure[]> {
  const contextTokens = LONGEST + 64;
  const configs = [...llamaConfig(plan, contextTokens), ...moebiusConfig(plan, plan.variant, contextTokens)];
  const corpus = readCorpus(SPEED_FILES);
  log(`text: Python ${corpus.version}, ${SPEED_FILES.join(', ')}`);
  return withContenders(configs, async contenders => {
    for (const contender of contenders) log(`${contender.name}: ${await contender.settings()}`);
    const entries = entriesOf(contenders, plan.levels);
    await warmUp(entries, corpus.text);
    const figures: Figure[] = [];
    // Counted on from one length to the next: a longer prompt must not begin with the one before.
    let prompts = 0;
    const written = plan.quick ? 33 : 65;
    for (const tokens of plan.quick ? [128, WRITE_CONTEXT] : [128, WRITE_CONTEXT, 2048, LONGEST]) {
      const isWriting = tokens === WRITE_CONTEXT;
      const labels = entries.map(entry => entry.label);
      const reading = new Samples(labels);
      const writing = new Samples(labels);
      // llama.cpp without drafts stands beside: they may slow it down.
      const drafting = new Samples([
        ...labels.filter(label => label === LLAMA),
        ...labels.map(label => labelOf(label, label === LLAMA)),
      ]);
      for (const round of eachRound(plan, readFigure(tokens), log)) {
        const turn = rotated(entries, round);
        for (const entry of turn) {
          const { label, contender, level } = entry;
          const prompt = await promptOfLength(corpus.text, tokens, prompts++, contenders[0]!.tokenize);
          if (round === 0) await requireSameTokens(contenders, prompt);
          await wake(entry, corpus.text);
          const result = await contender.write(prompt, isWriting ? written : 1, level);
          requireFresh(label, result, tokens);
          reading.add(label, perSecond(tokens, result.firstTokenMs));
          if (!isWriting) continue;
          writing.add(label, perSecond(result.steps, result.decodeMs));
          const drafted = await contender.write(prompt, written, level, { drafts: true });
          if (label === LLAMA) drafting.add(label, perSecond(result.steps, result.decodeMs));
          drafting.add(labelOf(label, label === LLAMA), perSecond(drafted.steps, drafted.decodeMs));
        }
      }
      figures.push(reading.figure('speed', readFigure(tokens), 'tokens/s'));
      if (!isWriting) continue;
      figures.push(writing.figure('speed', `write at ${tokens}`, 'tokens/s'));
      figures.push(drafting.figure('speed', `write at ${tokens}, drafts from the prompt`, 'tokens/s'));
    }
    return figures;
  });
}
