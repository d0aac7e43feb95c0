import type { Judged } from './session.ts';
import type { Figures } from './tally.ts';

const percent = (value: number): string => `${(100 * value).toFixed(1)} %`;
const ms = (value: number): string => `${Math.round(value)} ms`;
const number = (value: number): string => value.toFixed(2);

const ROWS: readonly [keyof Figures, string, (value: number) => string][] = [
  ['shownPer100Keys', 'keystrokes of 100 that got text before the next one', number],
  ['rightCharsShare', 'of what was suggested, as then typed: characters', percent],
  ['rightLinesShare', 'of what was suggested, as then typed: lines', percent],
  ['acceptedShare', 'suggestions accepted: right to the end', percent],
  ['usefulCharsPer100Keys', 'characters shown before they were typed, per 100 keystrokes', number],
  ['latencyP50Ms', 'keystroke to text, median', ms],
  ['latencyP95Ms', 'keystroke to text, 95th percentile', ms],
  ['reusedShare', 'prompt tokens reused', percent],
  ['writtenTokensPerShownChar', 'tokens written per character shown', number],
  ['cancelledShare', 'requests ended early', percent],
  ['aheadShare', 'compute for reading ahead', percent],
  ['usefulCharsPerComputeSecond', 'useful characters per second of compute', number],
];

/** One column a pipeline; with two, the ratio of their useful characters below. */
export function renderFigures(columns: readonly [string, Figures][]): string {
  const lines = [
    `| | ${columns.map(([name]) => name).join(' | ')} |`,
    `|---|${'--:|'.repeat(columns.length)}`,
  ];
  for (const [key, label, write] of ROWS)
    lines.push(`| ${label} | ${columns.map(([, figures]) => write(figures[key])).join(' | ')} |`);
  const [ours, plain] = columns;
  if (ours && plain) {
    const [a, b] = [ours[1].usefulCharsPerComputeSecond, plain[1].usefulCharsPerComputeSecond];
    const said =
      b > 0 ? `${number(a / b)} times those of the plain pipeline` : 'the plain pipeline gave none';
    lines.push('', `Useful characters per second of compute: ${said}.`);
  }
  return lines.join('\n');
}

/** What became of the keystrokes' requests. */
export function renderOutcomes(outcomes: Readonly<Record<string, number>>): string {
  const all = Object.values(outcomes).reduce((sum, count) => sum + count, 0);
  const rows = Object.entries(outcomes).sort(([, a], [, b]) => b - a);
  const lines = rows.map(([name, count]) => `| ${name} | ${count} | ${percent(count / all)} |`);
  return ['', '| what became of a keystroke | | |', '|---|--:|--:|', ...lines].join('\n');
}

const THRESHOLDS = [-1.5, -1, -0.8, -0.7, -0.6, -0.5, -0.4, -0.3, -0.2];

/** What a threshold of confidence keeps back; suggestions whose confidence is not known are left out. */
export function renderConfidence(judged: readonly Judged[]): string {
  const known = judged.filter(({ meanLogProb }) => meanLogProb !== null);
  const rightOf = (list: readonly Judged[]) => {
    const [right, all] = [list.map(each => each.rightChars), list.map(each => each.text.length)].map(
      numbers => numbers.reduce((sum, number) => sum + number, 0),
    ) as [number, number];
    return all === 0 ? '-' : percent(right / all);
  };
  const acceptedOf = (list: readonly Judged[]) => list.filter(({ isAccepted }) => isAccepted).length;
  const rows = THRESHOLDS.map(threshold => {
    const above = known.filter(({ meanLogProb }) => meanLogProb! >= threshold);
    const below = known.filter(({ meanLogProb }) => meanLogProb! < threshold);
    return [
      threshold,
      above.length,
      rightOf(above),
      acceptedOf(above),
      below.length,
      rightOf(below),
      acceptedOf(below),
    ];
  });
  return [
    '',
    '| mean log-probability at least | shown | characters as then typed | accepted | kept back | characters as then typed | accepted |',
    '|--:|--:|--:|--:|--:|--:|--:|',
    ...rows.map(row => `| ${row.join(' | ')} |`),
  ].join('\n');
}
