/** A pipeline over a model that writes what it is told to. */
import { setTimeout as sleep } from 'node:timers/promises';
import { cancelled } from '../../../src/base/errors.ts';
import { CompletionPipeline, type SuggestOptions } from '../../../src/completion/pipeline.ts';
import type { CompletionCall } from '../../../src/completion/runner.ts';
import { answered } from './answered.ts';

/** A model that writes `text` piece by piece; remembers its calls and how many ended by cancellation. */
export function model(text: string, pieceMs = 5, meanLogProb = -0.1) {
  const calls: CompletionCall[] = [];
  const seen = { calls, cancelled: 0 };
  const pipeline = new CompletionPipeline(async (call, { signal, onText }) => {
    calls.push(call);
    for (const piece of text.match(/[\s\S]{1,3}/g) ?? []) {
      await sleep(pieceMs);
      if (signal.aborted) {
        seen.cancelled++;
        throw cancelled();
      }
      onText(piece);
    }
    return answered(text, meanLogProb);
  });
  return { pipeline, seen };
}

export const options = (signal = new AbortController().signal, delayMs = 0): SuggestOptions => ({
  isManual: false,
  multiline: 'auto',
  delayMs,
  signal,
});
