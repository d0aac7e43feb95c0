/**
 * The first ghost text in a file of some 300 lines that nobody has read: with a key at once, and with one after the file has
 * been open for five seconds.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Backend } from '../../../src/backends/backend.ts';
import { monotonicClock } from '../../../src/base/clock.ts';
import { toMoebiusError } from '../../../src/base/errors.ts';
import type { Cursor } from '../../../src/completion/cursor.ts';
import { AdaptiveDebounce } from '../../../src/completion/debounce.ts';
import { CompletionPipeline } from '../../../src/completion/pipeline.ts';
import { ReadAhead } from '../../../src/completion/read-ahead.ts';
import { completeBy } from '../../../src/completion/request.ts';
import { testGrammars } from '../../support/grammars.ts';
import { readCorpus } from '../corpus.ts';
import { withDaemon } from '../daemon.ts';
import type { Figure, Log, Plan } from '../plan.ts';
import { eachRound, Samples } from '../rounds.ts';
import { median } from '../statistics.ts';

const FILES = {
  full: ['queue.py', 'filecmp.py', 'shelve.py', 'glob.py', 'cmd.py'],
  quick: ['queue.py', 'filecmp.py'],
};
const DECODE_BUDGET_MS = 1500;
const OPEN_MS = 5000;

export const COLD_COLUMN = 'moebius';
export const COLD_FIGURES = {
  atOnce: 'first text in a cold file, a key at once',
  open: 'first text in a file open for 5 s',
} as const;

export async function cold(plan: Plan, log: Log): Promise<Figure[]> {
  const syntax = testGrammars();
  await syntax.load('python');
  const atOnce = new Samples([COLD_COLUMN]);
  const open = new Samples([COLD_COLUMN]);
  for (const _ of eachRound(plan, 'cold', log)) {
    for (const [samples, openMs] of [
      [atOnce, 0],
      [open, OPEN_MS],
    ] as const) {
      const files = FILES[plan.quick ? 'quick' : 'full'];
      const latencies = await withDaemon(plan, async ({ backend }) => {
        const all: number[] = [];
        for (const file of files) all.push(await firstText(backend, file, openMs, syntax));
        return all;
      });
      samples.add(COLD_COLUMN, median(latencies));
      const shown = latencies.map(ms => (Number.isFinite(ms) ? String(Math.round(ms)) : 'none')).join(', ');
      log(`open for ${openMs} ms: ${shown} ms in ${files.join(', ')}`);
    }
  }
  return [atOnce.figure('cold', COLD_FIGURES.atOnce, 'ms'), open.figure('cold', COLD_FIGURES.open, 'ms')];
}

/** From the key to the text; without end where nothing was suggested. */
async function firstText(
  backend: Backend,
  file: string,
  openMs: number,
  syntax: ReturnType<typeof testGrammars>,
): Promise<number> {
  const pipeline = new CompletionPipeline(completeBy(backend, DECODE_BUDGET_MS), monotonicClock, syntax);
  const place = placeIn(file);
  let reading: Promise<unknown> = Promise.resolve();
  const readAhead = new ReadAhead(monotonicClock, () => {
    reading = pipeline.readAhead(place, undefined, 'auto').catch(error => {
      // The key took its place.
      if (toMoebiusError(error).code !== 'cancelled') throw error;
    });
  });
  readAhead.note('opened', { uri: place.uri, line: 0 });
  await sleep(openMs);
  const pressedMs = performance.now();
  const suggestion = await pipeline.suggest(
    { ...place, before: `${place.before} ` },
    {
      isManual: false,
      multiline: 'auto',
      delayMs: new AdaptiveDebounce().delayMs(' '),
      isSaving: true,
      // What matters is when there is text, not whether the model is sure of it.
      showsUnsure: true,
      signal: new AbortController().signal,
    },
  );
  const ms = performance.now() - pressedMs;
  readAhead.dispose();
  await reading;
  return suggestion ? ms : Number.POSITIVE_INFINITY;
}

/** In the middle of the file behind an assignment's sign, whose right side is gone. The key is the blank behind it. */
function placeIn(file: string): Cursor {
  const { text } = readCorpus([file]);
  const assignments = [...text.matchAll(/^ +[a-z_.]+ =(?= )/gm)];
  const { index, 0: head } = assignments[Math.floor(assignments.length / 2)]!;
  const at = index + head.length;
  return {
    uri: file,
    path: file,
    languageId: 'python',
    before: text.slice(0, at),
    after: text.slice(text.indexOf('\n', at)),
  };
}
