/** Whether figures have become worse than those of the baseline file. */
import type { Figures } from './tally.ts';

/**
 * How far figures may fall behind, as a share. Time is computed, so none depends on the machine; yet the texts do a little,
 * as threads add up in another order, and which requests meet which keystroke depends on them.
 */
const TOLERANCE: Partial<Record<keyof Figures, number>> = {
  shownPer100Keys: 0.15,
  rightCharsShare: 0.1,
  rightLinesShare: 0.1,
  acceptedShare: 0.15,
  reusedShare: 0.1,
  usefulCharsPer100Keys: 0.15,
  usefulCharsPerComputeSecond: 0.15,
};
/** Of these more is worse. The median latency is 0, as most keys find a text that is there. */
const COSTS: Partial<Record<keyof Figures, number>> = {
  writtenTokensPerShownChar: 0.2,
  latencyP95Ms: 0.3,
  cancelledShare: 0.15,
};

/** One line for every figure that is worse; empty when none is. What an older baseline lacks is not compared. */
export function compare(measured: Figures, baseline: Partial<Figures>): string[] {
  const worse = (tolerances: Partial<Record<keyof Figures, number>>, sign: 1 | -1) =>
    (Object.entries(tolerances) as [keyof Figures, number][]).flatMap(([name, tolerance]) => {
      const [now, before] = [measured[name], baseline[name]];
      const isWorse = before !== undefined && sign * (now - before) > tolerance * before;
      return isWorse ? [`${name}: ${now.toFixed(3)}, the baseline is ${before.toFixed(3)}`] : [];
    });
  return [...worse(TOLERANCE, -1), ...worse(COSTS, 1)];
}
