/** Figures as a table a person reads: one row a figure, one column a contender, the ratio to the first of them. */
import { type Figure, LLAMA, labelOf } from './plan.ts';

export function renderTable(figures: readonly Figure[]): string {
  const lines: string[] = [];
  let columns = '';
  for (const figure of figures) {
    const names = Object.keys(figure.values);
    if (names.join() !== columns) {
      columns = names.join();
      lines.push('', `| | ${names.join(' | ')} |`, `|---|${names.map(() => '--:|').join('')}`);
    }
    const base = baseOf(figure);
    lines.push(
      `| ${figure.what}, ${figure.unit} | ${names.map(name => cell(figure, name, base)).join(' | ')} |`,
    );
  }
  return lines.join('\n');
}

/** The first column; where llama.cpp has one with drafts beside it, the better of the two: they may slow it down. */
function baseOf({ values, unit }: Figure): string {
  const [first] = Object.keys(values);
  const drafts = labelOf(LLAMA, true);
  if (first !== LLAMA || values[drafts] === undefined) return first!;
  const isBetter = unit === 'tokens/s' ? values[drafts] > values[LLAMA]! : values[drafts] < values[LLAMA]!;
  return isBetter ? drafts : LLAMA;
}

/** `24.6 ±3 % (1.31x)`: the median, half the quartile distance, the ratio to column `base`. */
function cell(figure: Figure, name: string, base: string): string {
  const value = figure.values[name]!;
  const spread = figure.spread?.[name];
  const parts = [format(value, figure.unit)];
  // Around a median of 0, or where something never came, there is no share to speak of.
  if (Number.isFinite(spread)) parts.push(`±${spread!.toFixed(0)} %`);
  if (name !== base && !/^(?:%|nats|share|count)$/.test(figure.unit))
    parts.push(`(${(value / figure.values[base]!).toFixed(2)}x)`);
  return parts.join(' ');
}

function format(value: number, unit: Figure['unit']): string {
  if (unit === 'ppl' || unit === 'nats') return value.toFixed(4);
  if (unit === '%') return `${value >= 0 ? '+' : ''}${value.toFixed(2)}`;
  if (unit === 'ms' && value < 10) return value.toFixed(3);
  if (unit === 'share') return `${Math.round(value)} %`;
  if (unit === 'count') return String(value);
  return unit === 'tokens/s' ? value.toFixed(1) : Math.round(value).toLocaleString('en-US');
}
