/**
 * What reading with few experts saves and costs. Time: from the call to the first token, new texts. Quality: texts of 1,024 tokens are read at each level, and the last 32 tokens, which like
 * everything near the end of a prompt are read with all experts, are scored. At least 32 exact rows lie between them and
 * the sparsely read ones; what a user sees written has more, so this is an upper bound.
 */
import type { ExpertLevel } from '../../../src/protocol/daemon.ts';
import type { ChildContender } from '../child-contender.ts';
import { LEVEL_FILES, promptOfLength, readCorpus, SPEED_FILES } from '../corpus.ts';
import { type Figure, type Log, moebiusConfig, type Plan } from '../plan.ts';
import { eachRound, entriesOf, requireFresh, rotated, Samples, warmUp, withContenders } from '../rounds.ts';

/** By level, of the last tokens of each text. */
export const TAIL_FIGURE = 'above exact';
const TEXT = 1024;
const SCORED = 32;

export function levels(plan: Plan, log: Log): Promise<Figure[]> {
  const files = plan.quick ? LEVEL_FILES.slice(0, 3) : LEVEL_FILES;
  return withContenders(moebiusConfig(plan, plan.variant), async ([contender]) => {
    if (!contender) return [];
    const texts: number[][] = [];
    for (const file of files) {
      const ids = await contender.tokenize(readCorpus([file]).text);
      const middle = ids.length >> 1;
      texts.push(ids.slice(middle - TEXT / 2, middle + TEXT / 2));
    }
    const values: Record<string, number> = {};
    const measured: ExpertLevel[] = ['exact', ...plan.levels.filter(level => level !== 'exact')];
    const latency = await firstToken(contender, measured, plan, log);
    for (const level of measured) {
      let sum = 0;
      for (const text of texts) {
        const scores = await contender.score(text, level);
        for (const value of scores.subarray(-SCORED)) sum -= value;
      }
      values[level] = sum / (texts.length * SCORED);
      log(`${level}: ${values[level].toFixed(4)} nats a token`);
    }
    const above = Object.entries(values).map(([name, value]) => [name, value - values.exact!]);
    const scored = `last ${SCORED} of ${TEXT}, ${texts.length} texts`;
    return [
      latency,
      { scenario: 'levels', what: `negative log probability, ${scored}`, unit: 'nats', values, rounds: 1 },
      { scenario: 'levels', what: TAIL_FIGURE, unit: 'nats', values: Object.fromEntries(above), rounds: 1 },
    ];
  });
}

async function firstToken(
  contender: ChildContender,
  measured: ExpertLevel[],
  plan: Plan,
  log: Log,
): Promise<Figure> {
  const { text } = readCorpus(SPEED_FILES);
  const samples = new Samples(measured);
  const entries = entriesOf([contender], measured);
  await warmUp(entries, text);
  for (const round of eachRound(plan, 'levels', log)) {
    for (const [i, { level }] of rotated(entries, round).entries()) {
      const prompt = await promptOfLength(text, TEXT, round * entries.length + i, contender.tokenize);
      const result = await contender.write(prompt, 1, level);
      requireFresh(level, result, TEXT);
      samples.add(level, result.firstTokenMs);
    }
  }
  return samples.figure('levels', `first token after ${TEXT}`, 'ms');
}
