/** A call of the pipeline as the backend's request. */
import type { Backend } from '../backends/backend.ts';
import type { CompleteParams } from '../protocol/daemon.ts';
import type { Complete, CompletionCall } from './runner.ts';

/** The engine's names for the two sequences of a prompt window. */
const SEQUENCES = { a: 'completion', b: 'completion-ahead' } as const;
/** For another answer than the likeliest, yet not any: code forgives little. */
const OTHER_TEMPERATURE = 0.6;

export function completeParams(
  { isSingleLine, buffer, files, seed, isAhead, ...call }: CompletionCall,
  decodeBudgetMs: number,
): Omit<CompleteParams, 'requestId'> {
  return {
    ...call,
    ...(files.length > 0 && { files: [...files] }),
    sequence: SEQUENCES[buffer],
    singleLine: isSingleLine,
    temperature: seed === undefined ? 0 : OTHER_TEMPERATURE,
    ...(seed !== undefined && { seed }),
    ...(isAhead && { ahead: true }),
    level: 'exact',
    decodeBudgetMs,
    stop: isSingleLine ? [] : ['\n\n\n'],
  };
}

/** The pipeline's model, asked through a backend. */
export const completeBy =
  (backend: Pick<Backend, 'complete'>, decodeBudgetMs: number): Complete =>
  (call, { signal, onText, onUsage }) =>
    backend.complete(completeParams(call, decodeBudgetMs), {
      signal,
      onEvent(event) {
        if (event.type === 'text') onText(event.text);
        else if (event.type === 'usage' && event.meanLogProb !== undefined)
          onUsage?.(event.usage, event.meanLogProb);
      },
    });
