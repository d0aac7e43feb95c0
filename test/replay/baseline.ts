/** The baseline file, and whether figures have become worse than its own. */
import type { ModelVariant } from '../../src/protocol/daemon.ts';
import type { Figures } from './tally.ts';

/** What figures depend on. */
export interface Settings {
  model: string;
  variant: ModelVariant;
  limit: number;
  keys: number;
  read: number;
  write: number;
  pace: number;
  alone: boolean;
}
export interface Baseline {
  /** What it was made with; `--check` does the same. */
  settings: Settings;
  figures: Partial<Figures>;
}

/** Older files were made in 4 bits and without other files, and do not say so. */
export function readBaseline(text: string): Baseline {
  const { settings, figures } = JSON.parse(text);
  return { settings: { variant: 'int4', alone: true, ...settings }, figures };
}

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
