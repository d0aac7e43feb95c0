/** What VS Code may send to a model, and what is left for its answer. Pure. */

/** Of a large window; of a small one the prompt has the greater part. */
const ANSWER_TOKENS = 2048;

export function windowShares(windowTokens: number): { maxInputTokens: number; maxOutputTokens: number } {
  const maxOutputTokens = Math.min(ANSWER_TOKENS, Math.floor(windowTokens / 4));
  return { maxInputTokens: windowTokens - maxOutputTokens, maxOutputTokens };
}
