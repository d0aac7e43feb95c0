/** The texts that are compared: the model's by itself, and what the completion pipeline makes of it. */
import type { Backend } from '../../../src/backends/backend.ts';
import { monotonicClock } from '../../../src/base/clock.ts';
import { decideExtent } from '../../../src/completion/extent.ts';
import { CompletionPipeline } from '../../../src/completion/pipeline.ts';
import { FILTERS, place, refine } from '../../../src/completion/post/post-process.ts';
import { completeBy } from '../../../src/completion/request.ts';
import type { Syntax } from '../../../src/completion/syntax/syntax.ts';
import type { Case } from './cases.ts';

/** What is measured is the text and not the machine: writing ends by itself. */
const DECODE_BUDGET_MS = 120_000;
const MULTILINE = 'always';

export interface Written {
  /** As the model wrote it for the pipeline. */
  text: string;
  isCut: boolean;
  meanLogProb: number | null;
}
export interface Shown {
  text: string;
  /** What is left of what follows the cursor. */
  after: string;
}

export async function rawAnswer(backend: Backend, { raw, cursor }: Case): Promise<string> {
  const { prefix, suffix, maxTokens, stop = [] } = raw;
  const asked = { prefix, suffix, path: cursor.path, maxTokens: maxTokens!, stop, temperature: 0 };
  return (await backend.complete({ ...asked, level: 'exact', sequence: 'raw' })).text;
}

/**
 * Asked by hand, so that no rule for staying silent decides, after the pause in which the document was read. `isCold`: at
 * the first key instead, with no more of the document than is read at once.
 */
export async function pipelineAnswer(
  backend: Backend,
  { cursor }: Case,
  isCold: boolean,
  syntax: Syntax,
): Promise<Written> {
  // A run that is ended because enough was written tells nothing of its end.
  let isCut = true;
  const complete = completeBy(backend, DECODE_BUDGET_MS);
  const pipeline = new CompletionPipeline(
    async (call, hooks) => {
      const answer = await complete(call, hooks);
      if (call.maxTokens > 0) isCut = answer.finish === 'length' || answer.finish === 'time';
      return answer;
    },
    monotonicClock,
    syntax,
  );
  const signal = new AbortController().signal;
  if (!isCold) await pipeline.readAhead(cursor);
  await pipeline.suggest(cursor, {
    isManual: true,
    multiline: MULTILINE,
    delayMs: 0,
    isSaving: true,
    signal,
  });
  const run = pipeline.log.all[0]?.run;
  return { text: run?.written ?? '', isCut, meanLogProb: run?.meanLogProb ?? null };
}

/** What can be left out to measure what it is worth: the filters, and fitting the text to the brackets of its line. */
export const ABLATIONS = [...FILTERS.map(([name]) => name), 'brackets'] as const;
export type Ablation = (typeof ABLATIONS)[number];

/** As it is shown, without the step `off`; null: nothing is. */
export function shown(
  { cursor }: Case,
  { text, isCut }: Written,
  syntax: Syntax,
  off?: Ablation,
): Shown | null {
  const extent = decideExtent(cursor, { isManual: true, multiline: MULTILINE, syntax });
  const isOff = new Set(FILTERS.map(([name]) => name).filter(name => name === off));
  const refined = refine(text, { cursor, extent, isCut, syntax }, isOff).text;
  if (off === 'brackets') return refined === '' ? null : { text: refined, after: cursor.after };
  const placed = place(refined, cursor);
  return placed && { text: placed.text, after: cursor.after.slice(placed.replaceAfter) };
}
