/** What the scenarios come to, as figures, a table, and in comparison with the baseline. */
import { SCENARIOS } from './scenarios/all.ts';
import { play } from './world.ts';

export interface Scores {
  /** By group: the names of the scenarios that hold, and how many there are. */
  scripted: Record<string, { of: number; held: string[] }>;
  guided?: Guided;
}
export interface Guided {
  model: string;
  /** Tries of each task. */
  seeds: number;
  /** Estimated share of tasks that one try solves; that three tries solve. */
  passAt1: number;
  passAt3: number;
  /** Tries that solved it, by task. */
  tasks: Record<string, number>;
}

export async function scripted(only: string): Promise<{ groups: Scores['scripted']; failures: string[] }> {
  const groups: Scores['scripted'] = {};
  const failures: string[] = [];
  for (const [group, scenarios] of Object.entries(SCENARIOS)) {
    const wanted = scenarios.filter(({ name }) => `${group}: ${name}`.includes(only));
    const held: string[] = [];
    for (const scenario of wanted) {
      try {
        await play(scenario);
        held.push(scenario.name);
      } catch (error) {
        const why = error instanceof Error ? error.message : String(error);
        failures.push(
          `${group}: ${scenario.name}\n  must hold: ${scenario.must}\n  ${why.replaceAll('\n', '\n  ')}`,
        );
      }
    }
    if (wanted.length > 0) groups[group] = { of: wanted.length, held };
  }
  return { groups, failures };
}

/**
 * Unbiased estimate of the share of tasks that at least one of `k` tries solves, from `n` tries of each (Chen et al., Evaluating
 * Large Language Models Trained on Code, 2021). NaN without tasks, or with less than `k` tries.
 */
export function passAt(k: number, passed: readonly number[], n: number): number {
  if (n < k || passed.length === 0) return Number.NaN;
  const solved = passed.map(c => {
    let allFail = 1;
    for (let i = 0; i < k; i++) allFail *= Math.max(0, n - c - i) / (n - i);
    return 1 - allFail;
  });
  return solved.reduce((sum, share) => sum + share, 0) / passed.length;
}

export function table({ scripted: groups, guided }: Scores): string {
  const rows = Object.entries(groups).map(([group, { of, held }]) => [group, `${held.length} of ${of}`]);
  const all = Object.values(groups);
  const sum = (pick: (group: (typeof all)[number]) => number) =>
    all.reduce((total, group) => total + pick(group), 0);
  rows.push(['all scripted', `${sum(({ held }) => held.length)} of ${sum(({ of }) => of)}`]);
  if (guided) {
    const { model, seeds, passAt1, passAt3, tasks } = guided;
    const percent = (share: number) => (Number.isNaN(share) ? '-' : `${Math.round(100 * share)} %`);
    rows.push(...Object.entries(tasks).map(([id, passed]) => [id, `${passed} of ${seeds}`]));
    rows.push([`${model}, guided`, `pass@1 ${percent(passAt1)}, pass@3 ${percent(passAt3)}`]);
  }
  const width = Math.max(...rows.map(([name]) => name!.length));
  return rows.map(([name, value]) => `${name!.padEnd(width)}  ${value}`).join('\n');
}

/**
 * Of a share of solved tasks: three of eighteen tries, or one of six tasks. Other kernels and other versions of the runtime round
 * differently, so that some answers differ; a rule that stops working costs more.
 */
export const TOLERANCE = 0.17;

/** What held in the baseline and no longer does; of what a real model solves, if it is less by more than the tolerance. */
export function worse(now: Scores, baseline: Scores): string[] {
  const lost = Object.entries(now.scripted).flatMap(([group, { held }]) =>
    (baseline.scripted[group]?.held ?? [])
      .filter(name => SCENARIOS[group]?.some(scenario => scenario.name === name) && !held.includes(name))
      .map(name => `${group}: ${name}`),
  );
  const [is, was] = [now.guided, baseline.guided];
  if (is && was && is.model === was.model) {
    if (is.passAt1 < was.passAt1 - TOLERANCE) lost.push(`pass@1 ${is.passAt1} instead of ${was.passAt1}`);
    if (is.passAt3 < was.passAt3 - TOLERANCE) lost.push(`pass@3 ${is.passAt3} instead of ${was.passAt3}`);
  }
  return lost;
}
