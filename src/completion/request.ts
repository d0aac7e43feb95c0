/** A call of the pipeline as the backend's request. */
import type { CompleteParams } from '../protocol/daemon.ts';
import type { CompletionCall } from './pipeline.ts';

export function completeParams(
  { isSingleLine, ...call }: CompletionCall,
  decodeBudgetMs: number,
): Omit<CompleteParams, 'requestId'> {
  return {
    ...call,
    singleLine: isSingleLine,
    temperature: 0,
    level: 'exact',
    decodeBudgetMs,
    stop: isSingleLine ? [] : ['\n\n\n'],
  };
}
