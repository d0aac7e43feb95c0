export function median(values: readonly number[]): number {
  if (values.length === 0) return Number.NaN;
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}

/** The value that the share `part` (0 to 1) of all values does not exceed: nearest rank. */
export function quantile(values: readonly number[], part: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil(part * sorted.length) - 1)] ?? Number.NaN;
}

/** `isCut`: it ended before what was waited for came, and would have lasted longer. */
export interface Wait {
  ms: number;
  isCut: boolean;
}

/** The median that waits have when none is cut (the estimate of Kaplan and Meier); without end where too many are cut to tell. */
export function medianWait(waits: readonly Wait[]): number {
  const sorted = waits.toSorted((a, b) => a.ms - b.ms || Number(a.isCut) - Number(b.isCut));
  let stillWaiting = 1;
  for (const [i, { ms, isCut }] of sorted.entries()) {
    if (isCut) continue;
    stillWaiting *= 1 - 1 / (sorted.length - i);
    if (stillWaiting <= 0.5 + 1e-9) return ms;
  }
  return Number.POSITIVE_INFINITY;
}

/** Half the distance between the quartiles, in percent of the median: how far a figure can be trusted. */
export function spreadPercent(values: readonly number[]): number {
  if (values.length < 2) return Number.NaN;
  const sorted = values.toSorted((a, b) => a - b);
  const at = (part: number) => sorted[Math.round((sorted.length - 1) * part)]!;
  return (100 * (at(0.75) - at(0.25))) / 2 / median(values);
}

export const perSecond = (count: number, ms: number): number => (ms > 0 ? (count / ms) * 1000 : Number.NaN);

/** exp of the mean negative log probability. */
export function perplexity(logProbs: readonly Float32Array[]): number {
  let sum = 0;
  let count = 0;
  for (const part of logProbs) {
    for (const value of part) sum += value;
    count += part.length;
  }
  return Math.exp(-sum / count);
}
