/** The level of a chat for whose reading nobody chose one. */
import type { ExpertLevel } from '../protocol/daemon.ts';
import type { EightBitProducts, ExpertLayout, ExpertsPerToken, LevelPlan } from './manifest.ts';

/**
 * In nats a written token: what reading with few experts may cost an answer for whose reading nobody chose a level. At 0.01
 * (`balanced`) the default model finds as much in an attached file as when all read it, at 0.04 (`fast`) less (docs/moe.md).
 */
const MOST_TAIL_NLL = 0.02;

/**
 * The level that reads with the fewest experts, writes with all, and was measured to cost little; `exact` if there is none. With products of
 * 8-bit codes all experts are read as fast as those of such a level: what sorts the tokens by expert takes as long as what it saves.
 */
export function chatLevelOf(
  { kind, routed, levels }: ExpertLayout,
  products: EightBitProducts | undefined,
): ExpertLevel {
  if (kind !== 'carved' || products === 'codes') return 'exact';
  const isCheap = ({ writeK, tailNll = Infinity }: LevelPlan) => writeK === null && tailNll <= MOST_TAIL_NLL;
  const reads = (level: ExpertLevel) => meanExperts(levels[level]?.readK ?? routed);
  return (Object.keys(levels) as ExpertLevel[])
    .filter(level => isCheap(levels[level]!))
    .reduce((best, level) => (reads(level) < reads(best) ? level : best), 'exact');
}

/** What a level that reads so costs in a layer, on the mean of the layers. */
export function meanExperts(experts: ExpertsPerToken): number {
  if (typeof experts === 'number') return experts;
  return experts.reduce((sum, k) => sum + k, 0) / experts.length;
}
