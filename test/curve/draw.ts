/** The curve as SVG: a panel for every metric over the time to read 2,048 tokens, with standard errors. */
import type { TopLevelSpec } from 'vega-lite';
import { METRICS, type Row } from './rows.ts';

/** Readable on a light page and on a dark one. */
const INK = '#6b7280';
const BLUE = '#3b82f6';

export async function drawCurve(rows: readonly Row[]): Promise<string> {
  const { parse, View } = await import('vega');
  const { compile } = await import('vega-lite');
  return new View(parse(compile(specOf(rows)).spec)).toSVG();
}

function specOf(rows: readonly Row[]): TopLevelSpec {
  const x = { field: 'seconds', type: 'quantitative', title: 'seconds to read 2,048 tokens' } as const;
  const y = { type: 'quantitative', title: null, scale: { zero: false, padding: 14 } } as const;
  const panel = (metric: string) => ({
    ...{ title: metric, width: 240, height: 170 },
    transform: [
      { filter: { field: 'metric', equal: metric } },
      { window: [{ op: 'rank' as const, as: 'rank' }], sort: [{ field: 'seconds' }] },
    ],
    encoding: { x: { ...x, scale: { zero: false, padding: 24 } } },
    layer: [
      {
        mark: { type: 'rule', opacity: 0.5 } as const,
        encoding: { y: { ...y, field: 'low' }, y2: { field: 'high' } },
      },
      {
        mark: { type: 'line', point: { filled: true, size: 40 }, strokeWidth: 1 } as const,
        encoding: { y: { ...y, field: 'value' }, order: { field: 'seconds' } as const },
      },
      // Above and below by turns, so that neighbours don't write over each other.
      ...[-9, 13].map((dy, turn) => ({
        transform: [{ filter: `datum.rank % 2 === ${turn}` }],
        mark: { type: 'text', dy, fontSize: 9, color: INK } as const,
        encoding: { y: { ...y, field: 'value' }, text: { field: 'point' } },
      })),
    ],
  });
  return {
    $schema: 'https://vega.github.io/schema/vega-lite/v6.json',
    data: { values: [...rows] },
    columns: 3,
    concat: METRICS.map(panel),
    config: {
      font: 'sans-serif',
      background: 'transparent',
      mark: { color: BLUE },
      rule: { color: BLUE },
      view: { stroke: null },
      title: { anchor: 'start', color: INK, fontWeight: 'normal', fontSize: 12 },
      axis: {
        labelColor: INK,
        titleColor: INK,
        titleFontWeight: 'normal',
        gridOpacity: 0.15,
        domainColor: INK,
      },
    },
  };
}
