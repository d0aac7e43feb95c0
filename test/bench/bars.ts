/** What was promised, in one place: every bar with the figure that decides it. A full run ends with what became of them. */
import { type Figure, LLAMA, labelOf } from './plan.ts';
import { ANSWER_FIGURE } from './scenarios/chat.ts';
import { COLD_COLUMN, COLD_FIGURES } from './scenarios/cold.ts';
import { CONTEXTS, writeFigure } from './scenarios/decode.ts';
import { TAIL_FIGURE } from './scenarios/levels.ts';
import { CHAT_MEMORY_FIGURE, LOAD_FIGURE, MEMORY_FIGURE } from './scenarios/load.ts';
import { QUALITY_FIGURE, STEPS_FIGURE } from './scenarios/quality.ts';
import { SCRIPT_COLUMN, SCRIPT_FIGURE } from './scenarios/script.ts';
import { readFigure } from './scenarios/speed.ts';
import { FRESH, REUSED, SECOND_TURN_FIGURE } from './scenarios/turns.ts';
import { COLUMN, WAIT_FIGURE } from './scenarios/typing.ts';
import { PACKED_COLUMN, VARIANT_FIGURES } from './scenarios/variants.ts';

export interface Bar {
  what: string;
  /** `x`: a ratio. */
  unit: 'x' | '%' | 'ms' | 'nats';
  /** The value must be at least or at most `bound`. */
  side: 'least' | 'most';
  bound: number;
}
export interface Verdict extends Bar {
  /** null where it was not measured. */
  value: number | null;
  isMet: boolean | null;
}

/** The value of one column of one figure; undefined where it was not measured. */
type Look = (scenario: string, what: string, column: string) => number | undefined;

/** Whichever form is measured beside llama.cpp. */
const OURS = ['moebius int8', 'moebius int4'];
/** The levels gain on what lies between the exact head and tail of a prompt, so on a long one. */
const READ_TOKENS = 2048;

/** NaN where something was not measured. */
const BARS: readonly (Bar & { measure(look: Look): number })[] = [
  ...CONTEXTS.map(context => ({
    what: `writing at ${context}, with drafts, against the faster of llama.cpp with and without`,
    unit: 'x' as const,
    side: 'least' as const,
    bound: 1.15,
    measure: (look: Look) => {
      const column = (name: string, drafts: boolean) =>
        look('decode', writeFigure(context), labelOf(name, drafts)) ?? Number.NaN;
      const ours = OURS.map(name => column(name, true)).find(value => !Number.isNaN(value));
      return (ours ?? Number.NaN) / Math.max(column(LLAMA, false), column(LLAMA, true));
    },
  })),
  ...(
    [
      ['exact', 1],
      ['balanced', 1.4],
      ['fast', 1.7],
    ] as const
  ).map(([level, bound]) => ({
    what: `reading ${READ_TOKENS}, ${level}, against llama.cpp`,
    unit: 'x' as const,
    side: 'least' as const,
    bound,
    measure: (look: Look) => ratio(look, 'speed', readFigure(READ_TOKENS), `moebius ${level}`, LLAMA),
  })),
  {
    what: 'short answer: how much sooner fast is than exact',
    unit: '%',
    side: 'least',
    bound: 40,
    measure: look => 100 * (1 - ratio(look, 'chat', ANSWER_FIGURE, 'moebius fast', 'moebius exact')),
  },
  {
    what: 'second turn of a chat: how much lower reuse makes the time to its first text',
    unit: 'x',
    side: 'least',
    bound: 20,
    measure: look => ratio(look, 'turns', SECOND_TURN_FIGURE, FRESH, REUSED),
  },
  {
    what: `ghost text: ${WAIT_FIGURE}`,
    unit: 'ms',
    side: 'most',
    bound: 300,
    measure: look => look('typing', WAIT_FIGURE, COLUMN) ?? Number.NaN,
  },
  {
    what: `ghost text: ${COLD_FIGURES.atOnce}`,
    unit: 'ms',
    side: 'most',
    bound: 1500,
    measure: look => look('cold', COLD_FIGURES.atOnce, COLD_COLUMN) ?? Number.NaN,
  },
  {
    what: `ghost text: ${COLD_FIGURES.open}`,
    unit: 'ms',
    side: 'most',
    bound: 300,
    measure: look => look('cold', COLD_FIGURES.open, COLD_COLUMN) ?? Number.NaN,
  },
  {
    what: 'load to the first token, against llama.cpp',
    unit: 'x',
    side: 'most',
    bound: 1.5,
    measure: look => ratioOfOurs(look, 'load', LOAD_FIGURE),
  },
  {
    what: 'peak memory, heap and mapped files together, against llama.cpp',
    unit: 'x',
    side: 'most',
    bound: 1.2,
    measure: look => ratioOfOurs(look, 'load', MEMORY_FIGURE),
  },
  {
    what: 'peak memory where a chat was read at its own level, against llama.cpp',
    unit: 'x',
    side: 'most',
    bound: 1.2,
    measure: look => ratioOfOurs(look, 'load', CHAT_MEMORY_FIGURE),
  },
  {
    what: '8 bits, packed: heap, of that of fp32',
    unit: '%',
    side: 'most',
    bound: 25,
    measure: look => 100 * ratio(look, 'variants', VARIANT_FIGURES.anonymous, PACKED_COLUMN, 'fp32'),
  },
  {
    what: '8 bits, packed: writing without drafts, against fp32',
    unit: 'x',
    side: 'least',
    bound: 3,
    measure: look => ratio(look, 'variants', VARIANT_FIGURES.writing, PACKED_COLUMN, 'fp32'),
  },
  {
    what: '8 bits, packed: how many times sooner a short answer is there than in fp32',
    unit: 'x',
    side: 'least',
    bound: 3,
    measure: look => ratio(look, 'variants', VARIANT_FIGURES.answer, 'fp32', PACKED_COLUMN),
  },
  {
    what: '8 bits and read at fast: time of a short answer, of that in fp32',
    unit: '%',
    side: 'most',
    bound: 100 / 3,
    measure: look => {
      const sparse = look('variants', VARIANT_FIGURES.sparse, 'int8') ?? Number.NaN;
      return (100 * sparse) / (look('variants', VARIANT_FIGURES.answer, 'fp32') ?? Number.NaN);
    },
  },
  {
    what: 'JavaScript and the way to its thread, of a step',
    unit: '%',
    side: 'most',
    bound: 5,
    measure: look => look('script', SCRIPT_FIGURE, SCRIPT_COLUMN) ?? Number.NaN,
  },
  ...(['int4', 'int8'] as const).map(variant => ({
    what: `perplexity of ${variant}, above fp32`,
    unit: '%' as const,
    side: 'most' as const,
    bound: 1,
    measure: (look: Look) => look('quality', QUALITY_FIGURE, variant) ?? Number.NaN,
  })),
  ...(['int4', 'int8'] as const).map(variant => ({
    what: `perplexity of ${variant} in single steps, as answers are written, above fp32`,
    unit: '%' as const,
    side: 'most' as const,
    bound: 1,
    measure: (look: Look) => look('quality', STEPS_FIGURE, variant) ?? Number.NaN,
  })),
  ...(
    [
      ['balanced', 0.02],
      ['fast', 0.05],
    ] as const
  ).map(([level, bound]) => ({
    what: `the end of a long prompt read at ${level}, a token above exact`,
    unit: 'nats' as const,
    side: 'most' as const,
    bound,
    measure: (look: Look) => look('levels', TAIL_FIGURE, level) ?? Number.NaN,
  })),
];

const ratio = (look: Look, scenario: string, what: string, a: string, b: string): number =>
  (look(scenario, what, a) ?? Number.NaN) / (look(scenario, what, b) ?? Number.NaN);

const ratioOfOurs = (look: Look, scenario: string, what: string): number =>
  OURS.map(name => ratio(look, scenario, what, name, LLAMA)).find(value => !Number.isNaN(value)) ??
  Number.NaN;

/** Every bar, those that were not measured too. */
export function judge(figures: readonly Figure[]): Verdict[] {
  const look: Look = (scenario, what, column) =>
    figures.find(figure => figure.scenario === scenario && figure.what === what)?.values[column];
  return BARS.map(({ measure, ...bar }) => {
    const value = measure(look);
    if (Number.isNaN(value)) return { ...bar, value: null, isMet: null };
    return { ...bar, value, isMet: bar.side === 'least' ? value >= bar.bound : value <= bar.bound };
  });
}

export function renderBars(verdicts: readonly Verdict[]): string {
  const show = (value: number, unit: Bar['unit']) => {
    if (unit === 'x') return `${value.toFixed(2)}x`;
    const digits = unit === 'nats' ? 3 : Math.abs(value) < 10 ? 2 : 0;
    return `${value.toLocaleString('en-US', { maximumFractionDigits: digits })} ${unit}`;
  };
  const rows = verdicts.map(({ what, unit, side, bound, value, isMet }) => {
    const asked = `${side === 'least' ? '≥' : '≤'} ${show(bound, unit)}`;
    const outcome = isMet === null ? 'not measured' : isMet ? 'met' : '**missed**';
    return `| ${what} | ${asked} | ${value === null ? '' : show(value, unit)} | ${outcome} |`;
  });
  return ['| bar | asked | measured | |', '|---|--:|--:|---|', ...rows].join('\n');
}
