/** The record of the last requests as a page in Markdown: why this suggestion, why none. */
import type { Outcome, RunTrace, Trace } from './trace.ts';

export function renderTraces(traces: readonly Trace[]): string {
  const intro =
    'The last requests for a completion in this window, newest first. Nothing of this is stored or sent.';
  const none = 'There was none yet. Type something, or trigger one by hand.';
  const sections = traces.map((trace, i) => section(trace, i + 1));
  return ['# Why this suggestion, why none', intro, ...(sections.length > 0 ? sections : [none])].join(
    '\n\n',
  );
}

function section({ path, lineBefore, isManual, ms, outcome, run }: Trace, number: number): string {
  const title = `## ${number}. ${titleOf(outcome)}`;
  const asked = isManual ? 'asked for by hand' : 'while typing';
  const place = `In \`${path}\`, ${asked}, after ${Math.round(ms)} ms, at:\n\n${code(`${lineBefore}█`)}`;
  return [title, place, ...details(outcome), ...(run ? runDetails(run, wasAskedBefore(outcome)) : [])].join(
    '\n\n',
  );
}

const SOURCES = {
  cache: 'Shown, known already',
  running: 'Shown, was being written already',
  model: 'Shown, from the model',
} as const;

function titleOf(outcome: Outcome): string {
  switch (outcome.kind) {
    case 'shown':
      return SOURCES[outcome.source];
    case 'silent':
      return `Silent: ${outcome.reason}`;
    case 'unsure':
      return 'Kept back: the model was unsure';
    case 'dropped':
      return `Dropped by the filter “${outcome.by}”`;
    case 'nothing':
      return 'The model wrote nothing';
    case 'overtaken':
      return 'Overtaken by the next keystroke';
    case 'failed':
      return 'Failed';
  }
}

function details(outcome: Outcome): string[] {
  switch (outcome.kind) {
    case 'shown':
      return [`Suggested:\n\n${code(outcome.text)}`];
    case 'unsure':
      return [`Trigger a completion by hand here to see it, or type its beginning:\n\n${code(outcome.text)}`];
    case 'failed':
      return [outcome.message];
    default:
      return [];
  }
}

const wasAskedBefore = (outcome: Outcome): boolean => outcome.kind === 'shown' && outcome.source !== 'model';

function runDetails(
  { prompt, written, changedBy, usage, meanLogProb }: RunTrace,
  isEarlier: boolean,
): string[] {
  const { prefix, middle, suffix, files } = prompt;
  const others =
    files.length > 0 ? `; other files: ${files.map(({ path }) => `\`${path}\``).join(', ')}` : '';
  const lines = [
    ...(isEarlier ? ['What an earlier request took that wrote it:\n'] : []),
    `- Read: ${prefix.length + middle.length} characters before the cursor, ${suffix.length} after it${others}.`,
  ];
  if (usage) {
    const { promptTokens, reusedTokens, outputTokens, queueMs, prefillMs, decodeMs } = usage;
    lines.push(
      `- Tokens: ${promptTokens} in the prompt, ${reusedTokens} of them read before; ${outputTokens} written.`,
      `- Times: ${[`${Math.round(queueMs)} ms waited`, `${Math.round(prefillMs)} ms read`, `${Math.round(decodeMs)} ms written`].join(', ')}.`,
    );
  }
  if (meanLogProb !== null) lines.push(`- Mean log-probability: ${meanLogProb.toFixed(2)}.`);
  if (changedBy.length > 0) lines.push(`- Changed by the filters: ${changedBy.join(', ')}.`);
  return [lines.join('\n'), ...(written.trim() === '' ? [] : [`Written by the model:\n\n${code(written)}`])];
}

/** A fence longer than any in the text. */
function code(text: string): string {
  const longest = Math.max(2, ...(text.match(/`+/g) ?? []).map(({ length }) => length));
  const fence = '`'.repeat(longest + 1);
  return `${fence}\n${text}\n${fence}`;
}
