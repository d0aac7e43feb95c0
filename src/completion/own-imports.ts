/** What a document imports, for a prompt that begins too far below to show it. */
import { WINDOW_LIMITS } from './prompt-window.ts';

/** Imports stand at a document's top; further down they belong to something. */
export const HEAD_LINES = 100;
const MOST_CHARS = 1000;
/** With less there is only room for what other files say. */
const LEAST_BUDGET = 4000;

/** At the start of a line, several lines between brackets included. */
const IMPORTS =
  /^(?:from\s+\S+\s+import\s+(?:\([^)]*\)|[^(\n]*$)|import\b(?:\s*\([^)]*\)|[\w\s*$,]*\{[^}]*\}.*|[^({\n]*$)|(?:pub\s+)?use\s[^;]*;|using\s.*;|#include.*|(?:const|let|var)\s.*\brequire\(.*)/gm;

/** Whole imports of `head`, a document's first text; '' where the window may still show them, or where little can be read. */
export function ownImports(head: string, aboveChars: number, budgetChars: number): string {
  if (aboveChars <= WINDOW_LIMITS.grownChars || budgetChars < LEAST_BUDGET) return '';
  const whole = head.slice(0, head.lastIndexOf('\n') + 1);
  let text = '';
  for (const [line] of whole.matchAll(IMPORTS)) {
    if (text.length + line.length >= MOST_CHARS) break;
    text += `${line}\n`;
  }
  return text;
}
