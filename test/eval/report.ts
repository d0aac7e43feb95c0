import type { SuiteScore } from './score.ts';

/** One row a suite and engine. Errors stand apart: they are no wrong answers. */
export function renderScores(scores: readonly SuiteScore[]): string {
  const lines = [
    '| suite | engine | pass | exact | timeouts | errors | tokens written | time |',
    '|---|---|--:|--:|--:|--:|--:|--:|',
  ];
  for (const score of scores) {
    const { suite, answerer, judged, passed, exact, timeouts, errors, outputTokens, seconds } = score;
    const cells = [suite, answerer, share(passed, judged), exact === null ? '' : share(exact, judged)];
    lines.push(`| ${[...cells, timeouts, errors, outputTokens, `${Math.round(seconds)} s`].join(' | ')} |`);
  }
  return lines.join('\n');
}

const share = (part: number, of: number): string =>
  `${of ? ((100 * part) / of).toFixed(1) : '-'} % (${part}/${of})`;
