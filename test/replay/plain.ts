/**
 * What a simple extension does: 256 lines before the cursor, 64 after it, a fixed wait, one request a keystroke, and the
 * answer as the model gave it, on a line that has text to the end of that line. No window that stays, nothing kept, joined,
 * filtered or read ahead.
 */
import type { Clock } from '../../src/base/clock.ts';
import { type Cursor, lineAfter, lineBefore } from '../../src/completion/cursor.ts';
import type { Complete } from '../../src/completion/runner.ts';

const BEFORE_LINES = 256;
const AFTER_LINES = 64;
export const PLAIN_DEBOUNCE_MS = 150;
const TOKENS = 128;

/** The text, or null for none; null as well when the signal aborts. */
export async function plainSuggestion(
  complete: Complete,
  cursor: Cursor,
  clock: Clock,
  signal: AbortSignal,
): Promise<string | null> {
  await new Promise<void>(resolve => clock.after(PLAIN_DEBOUNCE_MS, resolve));
  if (signal.aborted) return null;
  const call = {
    path: cursor.path,
    prefix: cursor.before.split('\n').slice(-BEFORE_LINES).join('\n'),
    middle: '',
    suffix: cursor.after.split('\n').slice(0, AFTER_LINES).join('\n'),
    files: [],
    buffer: 'a' as const,
    isSingleLine: (lineBefore(cursor) + lineAfter(cursor)).trim() !== '',
    maxTokens: TOKENS,
  };
  try {
    const { text } = await complete(call, { signal, onText() {} });
    return signal.aborted || text.trim() === '' ? null : text.trimEnd();
  } catch (error) {
    if (signal.aborted) return null;
    throw error;
  }
}
