/** The list behind `@`, `#` or `/` while its content is asked for at every letter: what it shows, and what a key does to it. Pure. */
import type { Suggestion } from '../protocol/webview.ts';

/** A language's index is given 800 ms. A key that waited longer than this does something by surprise. */
const WAIT_MS = 1000;

/** What was asked of the host for the word at the caret. */
export interface Asked {
  /** Id of the request for its first letter: answers to earlier ones are about another word. */
  first: number;
  last: number;
  /** When `last` was sent, on the monotonic clock. */
  atMs: number;
}

export interface Answered {
  requestId: number;
  items: Suggestion[];
}

export interface List {
  count: number;
  /** Index; -1: none. */
  chosen: number;
  /** The user has moved to what is chosen. */
  isMoved: boolean;
  /** The answer to the last letter is on its way. */
  isAwaited: boolean;
}

export type ListAction =
  | { kind: 'move'; to: number }
  | { kind: 'choose'; index: number }
  | { kind: 'wait' }
  | { kind: 'close' };

/** What is shown until the answer to the last letter comes is that to an earlier one, so that the list stays. */
export const optionsOf = ({ requestId, items }: Answered, asked: Asked): readonly Suggestion[] =>
  requestId >= asked.first ? items : [];

export const isAnswered = ({ requestId }: Answered, asked: Asked): boolean => requestId >= asked.last;

/** Whether a key is still to wait for the answer. */
export const isInTime = (asked: Asked, nowMs: number): boolean => nowMs - asked.atMs < WAIT_MS;

/** What Enter chooses: what the user has `moved` to, else the first; none where nothing fits but the file dialog, which always does. */
export function chosenOf(
  options: readonly Suggestion[],
  moved: Suggestion | null,
): Pick<List, 'chosen' | 'isMoved'> {
  const at = moved ? options.findIndex(option => keyOf(option) === keyOf(moved)) : -1;
  if (at >= 0) return { chosen: at, isMoved: true };
  const isFitting = options.length > 0 && options[0]!.kind !== 'pick';
  return { chosen: isFitting ? 0 : -1, isMoved: false };
}

export const keyOf = ({ kind, path, label, line }: Suggestion): string =>
  `${kind} ${path ?? ''} ${label} ${line ?? ''}`;

/** What a key does to the list; null: it is for the input. */
export function actionOf(key: string, { count, chosen, isMoved, isAwaited }: List): ListAction | null {
  switch (key) {
    case 'ArrowDown':
      return count > 0 ? { kind: 'move', to: (chosen + 1) % count } : null;
    case 'ArrowUp':
      return count > 0 ? { kind: 'move', to: (chosen > 0 ? chosen : count) - 1 } : null;
    case 'Enter':
    case 'Tab':
      if (isAwaited && !isMoved) return { kind: 'wait' };
      return chosen >= 0 ? { kind: 'choose', index: chosen } : null;
    case 'Escape':
      return count > 0 || isAwaited ? { kind: 'close' } : null;
    default:
      return null;
  }
}
