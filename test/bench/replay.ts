/**
 * Plays a recorded session of typing against the completion pipeline, as the editor's provider drives it. Nothing is
 * accepted: the user types on through what is suggested.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Backend } from '../../src/backends/backend.ts';
import { monotonicClock } from '../../src/base/clock.ts';
import { toMoebiusError } from '../../src/base/errors.ts';
import { type Cursor, lineBefore } from '../../src/completion/cursor.ts';
import { AdaptiveDebounce } from '../../src/completion/debounce.ts';
import { CompletionPipeline, type Suggestion } from '../../src/completion/pipeline.ts';
import { type Occasion, ReadAhead } from '../../src/completion/read-ahead.ts';
import { completeBy } from '../../src/completion/request.ts';
import type { Wait } from './statistics.ts';
import { type Editor, press, type Recording } from './typing-script.ts';

/** How long the file is open before the first key. */
const OPEN_MS = 5000;
/** How long the last suggestion is waited for. */
const LAST_MS = 5000;
/** The default of `moebius.completion.decodeBudgetMs`. */
const DECODE_BUDGET_MS = 1500;

interface Shown {
  ms: number;
  source: Suggestion['source'];
}
export interface Replay {
  /** Keys that ask for a suggestion: all but jumps. */
  asked: number;
  shown: Shown[];
  /** Of every key that had to wait for the model: until its answer, be it that there is nothing to suggest or that it is too unsure to be shown, or cut by the next key. */
  waits: Wait[];
  requests: number;
  /** Requests that only read, while the user pauses; in no other count. */
  readAheads: number;
  /** Requests that the pipeline ended: overtaken by a key, or written far enough. */
  endedEarly: number;
  /** Of the prompts of all requests. */
  promptTokens: number;
  reusedTokens: number;
}

/** `wait` is for tests. Throws the first failure of a request that was not cancelled, at the end. */
export async function replay(
  backend: Backend,
  { opened, keys }: Recording,
  wait: (ms: number) => Promise<void> = sleep,
): Promise<Replay> {
  const result: Replay = {
    asked: 0,
    shown: [],
    waits: [],
    requests: 0,
    readAheads: 0,
    endedEarly: 0,
    promptTokens: 0,
    reusedTokens: 0,
  };
  const pipeline = new CompletionPipeline(
    completeBy({ complete: watched(backend, result) }, DECODE_BUDGET_MS),
  );
  const debounce = new AdaptiveDebounce();
  let editor = opened;
  let newest = new AbortController();
  const running: Promise<void>[] = [];
  const failures: unknown[] = [];
  const track = (work: Promise<void>): void => {
    running.push(work.catch(error => void failures.push(error)));
  };

  const ask = async (signal: AbortSignal): Promise<void> => {
    const pressed = performance.now();
    debounce.keystroke(pressed);
    const cursor = cursorOf(editor);
    const suggestion = await pipeline.suggest(cursor, {
      isManual: false,
      multiline: 'auto',
      delayMs: debounce.delayMs(cursor.before.slice(-1)),
      signal,
    });
    const ms = performance.now() - pressed;
    if (suggestion && !signal.aborted) result.shown.push({ ms, source: suggestion.source });
    if (signal.aborted || (suggestion ? suggestion.source !== 'cache' : hadNothing(pipeline, cursor)))
      result.waits.push({ ms, isCut: signal.aborted });
  };

  const readAhead = new ReadAhead(monotonicClock, () => {
    const reading = pipeline.readAhead(cursorOf(editor), undefined, 'auto').catch(error => {
      // The next request took its place.
      if (toMoebiusError(error).code !== 'cancelled') throw error;
    });
    track(reading);
  });
  const note = (occasion: Occasion): void => {
    const { uri, before } = cursorOf(editor);
    readAhead.note(occasion, { uri, line: before.split('\n').length - 1 });
  };

  note('opened');
  await wait(OPEN_MS);
  for (const key of keys) {
    await wait(key.pauseMs);
    // The editor cancels what it asked for before, and asks for nothing when only the cursor moves.
    newest.abort();
    editor = press(editor, key);
    note(key.kind === 'jump' ? 'moved' : 'typed');
    if (key.kind === 'jump') continue;
    newest = new AbortController();
    result.asked++;
    track(ask(newest.signal));
  }
  readAhead.dispose();
  const last = newest;
  const timer = setTimeout(() => last.abort(), LAST_MS);
  await Promise.all(running);
  clearTimeout(timer);
  if (failures.length > 0) throw failures[0];
  return result;
}

/** Where nothing is shown: the model was asked, and had nothing, or nothing that fits, or nothing that it is sure of. */
function hadNothing({ log }: CompletionPipeline, cursor: Cursor): boolean {
  const outcome = log.all.find(trace => trace.lineBefore === lineBefore(cursor))?.outcome;
  if (outcome?.kind === 'unsure') return outcome.source !== 'cache';
  return outcome?.kind === 'nothing' || outcome?.kind === 'dropped';
}

/** Counts what passes. A request tells before it reads how much of its prompt it has still; its end may never come. */
function watched(backend: Backend, result: Replay): Backend['complete'] {
  return async (params, options = {}) => {
    const { signal, onEvent } = options;
    if (params.maxTokens === 0) {
      result.readAheads++;
      return backend.complete(params, options);
    }
    result.requests++;
    let isFirst = true;
    try {
      return await backend.complete(params, {
        ...(signal && { signal }),
        onEvent(event) {
          if (event.type === 'prefill' && isFirst) {
            isFirst = false;
            result.promptTokens += event.total;
            result.reusedTokens += event.reused;
          }
          onEvent?.(event);
        },
      });
    } finally {
      if (signal?.aborted) result.endedEarly++;
    }
  };
}

const cursorOf = ({ text, offset }: Editor): Cursor => ({
  uri: 'file:///workspace/typed.py',
  path: 'typed.py',
  languageId: 'python',
  before: text.slice(0, offset),
  after: text.slice(offset),
});
