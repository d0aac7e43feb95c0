/** A call of the pipeline as the backend's request. */
import type { CompleteParams } from '../protocol/daemon.ts';
import type { CompletionCall } from './runner.ts';

/** The engine's names for the two sequences of a prompt window. */
const SEQUENCES = { a: 'completion', b: 'completion-ahead' } as const;
/** For another answer than the likeliest, yet not any: code forgives little. */
const OTHER_TEMPERATURE = 0.6;

export function completeParams(
  { isSingleLine, buffer, files, seed, ...call }: CompletionCall,
  decodeBudgetMs: number,
): Omit<CompleteParams, 'requestId'> {
  return {
    ...call,
    ...(files.length > 0 && { files: [...files] }),
    sequence: SEQUENCES[buffer],
    singleLine: isSingleLine,
    temperature: seed === undefined ? 0 : OTHER_TEMPERATURE,
    ...(seed !== undefined && { seed }),
    level: 'exact',
    decodeBudgetMs,
    stop: isSingleLine ? [] : ['\n\n\n'],
  };
}
