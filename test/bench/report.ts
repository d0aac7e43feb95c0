/** Figures as a table a person reads: one row a figure, one column a contender, the ratio to the first column. */
import type { Figure } from './plan.ts';

export function renderTable(figures: readonly Figure[]): string {
  const lines: string[] = [];
  let columns = '';
  for (const figure of figures) {
    const names = Object.keys(figure.values);
    if (names.join() !== columns) {
      columns = names.join();
      lines.push('', `| | ${names.join(' | ')} |`, `|---|${names.map(() => '--:|').join('')}`);
    }
    lines.push(
      `| ${figure.what}, ${figure.unit} | ${names.map(name => cell(figure, name, names[0]!)).join(' | ')} |`,
    );
  }
  return lines.join('\n');
}

/** `24.6 ±3 % (1.31x)`: the median, half the quartile distance, the ratio to the first column. */
function cell(figure: Figure, name: string, first: string): string {
  const value = figure.values[name]!;
  const spread = figure.spread?.[name];
  const parts = [format(value, figure.unit)];
  // Around a median of 0, or where something never came, there is no share to speak of.
  if (Number.isFinite(spread)) parts.push(`±${spread!.toFixed(0)} %`);
  if (name !== first && !/^(?:%|nats|share|count)$/.test(figure.unit))
    parts.push(`(${(value / figure.values[first]!).toFixed(2)}x)`);
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
