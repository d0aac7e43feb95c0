/** What a document imports, for a prompt that begins too far below to show it. */
import { WINDOW_LIMITS } from './prompt-window.ts';

/** Imports stand at a document's top; further down they belong to something. */
export const HEAD_LINES = 100;
const MOST_CHARS = 1000;
/** With less there is only room for what other files say. */
const LEAST_BUDGET = 4000;

/** At the start of a line, several lines between brackets included. */
const IMPORTS =
  /^(?:from\s+\S+\s+import\s+(?:\([^)]*\)|[^(\n]*$)|import\b(?:\s*\([^)]*\)|[\w \t*$,]*\{[^}]*\}.*|[^({\n]*$)|(?:pub\s+)?use\s[^;]*;|using\s.*;|#include.*|(?:const|let|var)\s.*\brequire\(.*)/gm;

export interface PromptRoom {
  /** Of the document, above the cursor. */
  aboveChars: number;
  /** What the prompt shows of the document. */
  shown: string;
  /** Of other files. */
  budgetChars: number;
  /** An earlier prompt of the document had them: when they come or go all that follows is read again. */
  isKept: boolean;
}

/** Whole imports of `head`, a document's first text, that the prompt does not show; '' where it soon may, or where little can be read. */
export function ownImports(head: string, { aboveChars, shown, budgetChars, isKept }: PromptRoom): string {
  if (budgetChars < (isKept ? MOST_CHARS : LEAST_BUDGET)) return '';
  if (!isKept && aboveChars <= WINDOW_LIMITS.grownChars) return '';
  const whole = head.slice(0, head.lastIndexOf('\n') + 1);
  let text = '';
  for (const { 0: line, index } of whole.matchAll(IMPORTS)) {
    if (index >= aboveChars) break;
    if (text.length + line.length >= MOST_CHARS || `\n${shown}\n`.includes(`\n${line}\n`)) continue;
    text += `${line}\n`;
  }
  return text;
}
