/** What someone in the chat waits for: 100 tokens after a prompt of 1,500 that was never seen. */
import type { Written } from '../contender.ts';
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

export const ANSWER_PROMPT = 1500;
export const ANSWER_TOKENS = 100;

export const ANSWER_FIGURE = `${ANSWER_TOKENS} tokens after ${ANSWER_PROMPT}`;

/** Of a whole answer: one that ended early is stretched to the full length at its own pace. */
export const answerMs = ({ firstTokenMs, decodeMs, steps }: Written): number =>
  firstTokenMs + (decodeMs / steps) * (ANSWER_TOKENS - 1);

/** Moebius with its drafts, as shipped; llama.cpp with and without, as they may slow it down. */
export function answersOf<T extends { label: string }>(entry: T): (T & { drafts: boolean })[] {
  if (entry.label !== LLAMA) return [{ ...entry, drafts: true }];
  return [false, true].map(drafts => ({ ...entry, label: labelOf(LLAMA, drafts), drafts }));
}

export function chat(plan: Plan, log: Log): Promise<Figure[]> {
  const { text } = readCorpus(SPEED_FILES);
  return withContenders([...llamaConfig(plan), ...moebiusConfig(plan, plan.variant)], async contenders => {
    const entries = entriesOf(contenders, plan.levels).flatMap(answersOf);
    const total = new Samples(entries.map(entry => entry.label));
    const first = new Samples(entries.map(entry => entry.label));
    await warmUp(entries, text);
    for (const round of eachRound(plan, 'chat', log)) {
      for (const [i, entry] of rotated(entries, round).entries()) {
        const { label, contender, level, drafts } = entry;
        const prompt = await promptOfLength(
          text,
          ANSWER_PROMPT,
          round * entries.length + i,
          contenders[0]!.tokenize,
        );
        if (round === 0) await requireSameTokens(contenders, prompt);
        await wake(entry, text);
        const result = await contender.write(prompt, ANSWER_TOKENS, level, { drafts });
        requireFresh(label, result, ANSWER_PROMPT);
        first.add(label, result.firstTokenMs);
        total.add(label, answerMs(result));
      }
    }
    return [
      first.figure('chat', `first token after ${ANSWER_PROMPT}`, 'ms'),
      total.figure('chat', ANSWER_FIGURE, 'ms'),
    ];
  });
}
