import type { Ablation } from './answers.ts';
import type { CaseResult, FilterEffect, SetResult, Verdict } from './result.ts';

const share = (part: number, of: number): string => (of ? `${((100 * part) / of).toFixed(1)} %` : '-');
const rate = (verdicts: (Verdict | null)[], of: keyof Verdict): string => {
  const judged = verdicts.filter(verdict => verdict !== null);
  return share(judged.filter(verdict => verdict[of]).length, judged.length);
};

/** One row a set: what passes, and what is exactly what stood there. */
export function renderSets(sets: readonly SetResult[]): string {
  const lines = [
    '| set | records | raw, pass | pipeline, pass | llama.cpp raw, pass | raw, exact | pipeline, exact | llama.cpp raw, exact | shown |',
    '|---|--:|--:|--:|--:|--:|--:|--:|--:|',
  ];
  for (const { name, results } of sets) {
    const of = (who: 'raw' | 'pipeline' | 'llama') => results.map(result => result[who]);
    const rates = (['passes', 'isExact'] as const).flatMap(what =>
      (['raw', 'pipeline', 'llama'] as const).map(who => rate(of(who), what)),
    );
    const isShown = share(results.filter(result => result.isShown).length, results.length);
    lines.push(`| ${[name, results.length, ...rates, isShown].join(' | ')} |`);
  }
  return lines.join('\n');
}

/** One row a filter that changed anything, one column a set: texts changed, and verdicts that there are more with it than without. */
export function renderFilters(sets: readonly SetResult[]): string {
  const names = [...new Set(sets.flatMap(({ effects }) => Object.keys(effects) as Ablation[]))];
  const signed = (value: number) => (value > 0 ? `+${value}` : String(value));
  const cell = ({ changed, pass, exact }: FilterEffect) =>
    changed === 0 ? '-' : `${changed}: ${signed(pass)}, ${signed(exact)}`;
  const isUsed = (name: Ablation) => sets.some(({ effects }) => (effects[name]?.changed ?? 0) > 0);
  const none: FilterEffect = { changed: 0, pass: 0, exact: 0 };
  return [
    `| texts changed: pass, exact | ${sets.map(({ name }) => name).join(' | ')} |`,
    `|---|${'--:|'.repeat(sets.length)}`,
    ...names
      .filter(isUsed)
      .map(name => `| ${[name, ...sets.map(({ effects }) => cell(effects[name] ?? none))].join(' | ')} |`),
  ].join('\n');
}

const THRESHOLDS = [Number.NEGATIVE_INFINITY, -2, -1.5, -1, -0.8, -0.6, -0.4, -0.2];

/** What a threshold of confidence shows and what it keeps back; only texts whose probability is known. */
export function renderConfidence(sets: readonly SetResult[]): string {
  const known = sets.flatMap(({ results }) => results).filter(isKnown);
  const lines = [
    '| mean log-probability at least | shown | of them pass | of what is kept back would pass |',
    '|--:|--:|--:|--:|',
  ];
  for (const threshold of THRESHOLDS) {
    const above = known.filter(({ meanLogProb }) => meanLogProb >= threshold);
    const below = known.filter(({ meanLogProb }) => meanLogProb < threshold);
    const passing = (list: CaseResult[]) =>
      share(list.filter(({ pipeline }) => pipeline.passes).length, list.length);
    lines.push(
      `| ${Number.isFinite(threshold) ? threshold : 'any'} | ${share(above.length, known.length)} | ${passing(above)} | ${passing(below)} |`,
    );
  }
  return lines.join('\n');
}

const isKnown = (result: CaseResult): result is CaseResult & { meanLogProb: number } =>
  result.meanLogProb !== null && result.isShown;

/** In points, over all records: how far the pipeline is to be above raw infilling by llama.cpp. */
const BAR_POINTS = 3;

/** What passes: is the pipeline above raw in every set, and by enough above llama.cpp over all? */
export function renderVerdict(sets: readonly SetResult[]): string {
  const lines = sets.map(({ name, results }) => {
    const points = pointsAbove(results, 'raw');
    return `${name}: pipeline above raw: ${yesNo(points > 0)} (by ${signedPoints(points)})`;
  });
  const compared = sets.flatMap(({ results }) => results).filter(({ llama }) => llama !== null);
  if (compared.length > 0) {
    const points = pointsAbove(compared, 'llama');
    const verdict = `${yesNo(points >= BAR_POINTS)} (by ${signedPoints(points)}, bar ${BAR_POINTS})`;
    lines.push(`over all, pipeline above llama.cpp: ${verdict}`);
  }
  return lines.join('\n');
}

/** Percentage points of passing records that the pipeline has more; all were asked of both. */
function pointsAbove(results: readonly CaseResult[], other: 'raw' | 'llama'): number {
  const gained = results.map(
    ({ pipeline, [other]: verdict }) => Number(pipeline.passes) - Number(verdict?.passes),
  );
  return results.length > 0 ? (100 * gained.reduce((sum, gain) => sum + gain, 0)) / results.length : 0;
}

const yesNo = (is: boolean): string => (is ? 'yes' : 'no');
const signedPoints = (points: number): string => `${points > 0 ? '+' : ''}${points.toFixed(1)} points`;
