/** What the model is asked for a new argument in a call: the expression at the hole, with the declaration in sight. */
import type { CompleteParams } from '../protocol/daemon.ts';
import { WINDOW_LIMITS } from './prompt-window.ts';

const TOKENS = 24;
/** Nobody waits for it with a finger on the key. */
const DECODE_BUDGET_MS = 3000;

/** `before` and `after` the hole; `declaration`: the changed head, which may be far away or in another file. */
export function argumentParams(
  path: string,
  before: string,
  after: string,
  declaration: { path: string; text: string },
): Omit<CompleteParams, 'requestId'> {
  const start = before.lastIndexOf('\n') + 1;
  return {
    path,
    files: [declaration],
    prefix: before.slice(Math.max(0, start - WINDOW_LIMITS.startChars), start),
    middle: before.slice(start),
    suffix: after.slice(0, WINDOW_LIMITS.suffixChars),
    sequence: 'next-edit',
    singleLine: true,
    maxTokens: TOKENS,
    temperature: 0,
    level: 'exact',
    decodeBudgetMs: DECODE_BUDGET_MS,
  };
}
