import type { CompletionAnswer } from '../../../src/completion/runner.ts';

/** A model's answer, as far as a test cares. */
export function answered(text: string, meanLogProb = -0.1): CompletionAnswer {
  const usage = {
    promptTokens: 100,
    reusedTokens: 90,
    outputTokens: 5,
    queueMs: 0,
    prefillMs: 20,
    decodeMs: 50,
  };
  return { text, finish: 'stop', usage, meanLogProb };
}
