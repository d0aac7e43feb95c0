/** Whether figures have become worse than those of the baseline file. */
import type { Figures } from './tally.ts';

/**
 * Figures that do not depend on the machine, and how far they may fall behind, as a share: which requests meet which
 * keystroke depends on how fast the engine is, so they are not the same in every run.
 */
const TOLERANCE: Partial<Record<keyof Figures, number>> = {
  shownPer100Keys: 0.15,
  rightCharsShare: 0.1,
  rightLinesShare: 0.1,
  acceptedShare: 0.15,
  reusedShare: 0.1,
  usefulCharsPer100Keys: 0.15,
};
/** Of these more is worse. */
const COSTS: Partial<Record<keyof Figures, number>> = { writtenTokensPerShownChar: 0.2 };

/** One line for every figure that is worse; empty when none is. */
export function compare(measured: Figures, baseline: Figures): string[] {
  const lines: string[] = [];
  const say = (name: keyof Figures) =>
    lines.push(`${name}: ${measured[name].toFixed(3)}, the baseline is ${baseline[name].toFixed(3)}`);
  for (const [name, tolerance] of Object.entries(TOLERANCE) as [keyof Figures, number][])
    if (measured[name] < baseline[name] * (1 - tolerance)) say(name);
  for (const [name, tolerance] of Object.entries(COSTS) as [keyof Figures, number][])
    if (measured[name] > baseline[name] * (1 + tolerance)) say(name);
  return lines;
}
