/** What was measured at every point as rows of the chart: one value with its standard error each. */
import type { Measured } from './measure.ts';
import type { PassRate } from './tasks.ts';

export const METRICS = [
  'cost of what is written, nats a token',
  'same first choice as exact, %',
  'infilled lines that pass, %',
  'HumanEval, %',
  'questions about a file, %',
] as const;

export interface Row {
  point: string;
  /** Seconds to read 2,048 tokens. */
  seconds: number;
  metric: (typeof METRICS)[number];
  value: number;
  /** One standard error to either side. */
  low: number;
  high: number;
}

/** `exact` is the point that the others are held against; points that lack a measurement are left out. */
export function rowsOf(exact: Measured, points: readonly Measured[]): Row[] {
  return points.flatMap(({ point, tail, infill, humaneval, attached, readMs }) => {
    if (!exact.tail || !tail || !infill || !humaneval || !attached || !readMs) return [];
    const reference = exact.tail;
    const costs = tail.map(({ nats }, i) => nats - reference[i]!.nats);
    const agreement = tail.map(({ best }, i) => {
      const same = best.filter((token, at) => token === reference[i]!.best[at]).length;
      return (100 * same) / best.length;
    });
    const values = [mean(costs), mean(agreement), ...[infill, humaneval, attached].map(share)];
    return METRICS.map((metric, i): Row => {
      const { value, error } = values[i]!;
      const seconds = readMs / 1000;
      return { point: point.name, seconds, metric, value, low: value - error, high: value + error };
    });
  });
}

interface Estimate {
  value: number;
  error: number;
}

function mean(values: readonly number[]): Estimate {
  const count = values.length;
  const value = values.reduce((sum, one) => sum + one, 0) / count;
  const squares = values.reduce((sum, one) => sum + (one - value) ** 2, 0);
  return { value, error: count > 1 ? Math.sqrt(squares / (count - 1) / count) : 0 };
}

function share({ passed, judged }: PassRate): Estimate {
  const part = passed / judged;
  return { value: 100 * part, error: 100 * Math.sqrt((part * (1 - part)) / judged) };
}
