/** Alternating rounds: every contender in turn, the order turned by one each round, so that drift hits all alike. */
import type { ExpertLevel } from '../../src/protocol/daemon.ts';
import { type ChildContender, startContender } from './child-contender.ts';
import type { ContenderConfig, Written } from './contender.ts';
import { type Figure, LLAMA, type Log, nameOf, type Plan } from './plan.ts';
import { median, spreadPercent } from './statistics.ts';

export class Samples {
  readonly #values: Map<string, number[]>;

  /** `names`: the columns of the table, in order. */
  constructor(names: readonly string[]) {
    this.#values = new Map(names.map(name => [name, []]));
  }

  add(contender: string, value: number): void {
    this.#values.get(contender)!.push(value);
  }

  figure(scenario: string, what: string, unit: Figure['unit']): Figure {
    const values: Record<string, number> = {};
    const spread: Record<string, number> = {};
    let rounds = 0;
    for (const [name, samples] of this.#values) {
      if (samples.length === 0) continue;
      values[name] = median(samples);
      if (samples.length > 1) spread[name] = spreadPercent(samples);
      rounds = Math.max(rounds, samples.length);
    }
    return { scenario, what, unit, values, rounds, ...(rounds > 1 && { spread }) };
  }
}

export const rotated = <T>(items: readonly T[], by: number): T[] =>
  items.map((_, i) => items[(i + by) % items.length]!);

/** A measurement takes no new round after this time, so that a slow machine ends too; figures tell their rounds. */
const LIMIT_MS = { full: 4 * 60_000, quick: 60_000 };

/** The numbers of the rounds of one measurement: at least one, then until all are done or the time is up. */
export function* eachRound(plan: Pick<Plan, 'rounds' | 'quick'>, what: string, log: Log): Generator<number> {
  const endMs = performance.now() + LIMIT_MS[plan.quick ? 'quick' : 'full'];
  for (let round = 0; round < plan.rounds; round++) {
    if (round > 0 && performance.now() > endMs) {
      log(`${what}: the time is up`);
      return;
    }
    yield round;
    log(`${what}: round ${round + 1} of ${plan.rounds}`);
  }
}

/** Starts all, runs `use`, closes all whatever happens. */
export async function withContenders<T>(
  configs: readonly ContenderConfig[],
  use: (contenders: ChildContender[]) => Promise<T>,
): Promise<T> {
  const contenders: ChildContender[] = [];
  try {
    for (const config of configs) contenders.push(await startContender(nameOf(config), config));
    return await use(contenders);
  } finally {
    for (const contender of contenders) await contender.close().catch(() => {});
  }
}

export interface Entry {
  label: string;
  contender: ChildContender;
  level: ExpertLevel;
}

/** llama.cpp once, Moebius once per level. */
export const entriesOf = (contenders: readonly ChildContender[], levels: readonly ExpertLevel[]): Entry[] =>
  contenders.flatMap(contender =>
    contender.name === LLAMA
      ? [{ label: contender.name, contender, level: 'exact' as const }]
      : levels.map(level => ({ label: `moebius ${level}`, contender, level })),
  );

/** What is opened or made ready at first use is no part of a measurement. */
export async function warmUp(entries: readonly Entry[], text: string): Promise<void> {
  for (const entry of entries) await wake(entry, text);
}

/**
 * Just before a measurement: while the others had their turn, the system may have taken back what of the engine's weights is mapped
 * from files (`docs/performance.md`). The text begins as no measured prompt does, so nothing of those is reused.
 */
export async function wake({ contender, level }: Entry, text: string): Promise<void> {
  await contender.write(text.slice(0, WARM_UP_CHARS), 8, level);
}
/** About 500 tokens, enough for every level's graph. */
const WARM_UP_CHARS = 2000;

/**
 * Throws unless the whole prompt of `tokens` was read: who still has a part of it does less work than the figure says. Only the
 * one that a model begins every text with may have been read before.
 */
export function requireFresh(
  label: string,
  { promptTokens, reusedTokens }: Pick<Written, 'promptTokens' | 'reusedTokens'>,
  tokens: number,
): void {
  if (promptTokens - reusedTokens >= tokens && promptTokens <= tokens + 1) return;
  throw new Error(
    `${label} read ${promptTokens} tokens of which ${reusedTokens} were reused; the round asked for ${tokens} new ones.`,
  );
}

/** Throws unless all make the same token ids of `text`: otherwise they would not do the same work. */
export async function requireSameTokens(contenders: readonly ChildContender[], text: string): Promise<void> {
  const all = await Promise.all(contenders.map(contender => contender.tokenize(text)));
  const differs = all.findIndex(ids => ids.join() !== all[0]!.join());
  if (differs > 0) {
    throw new Error(
      `${contenders[differs]!.name} makes other tokens of the prompt than ${contenders[0]!.name}.`,
    );
  }
}
