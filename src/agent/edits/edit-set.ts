/** Several edits of one file, placed on the same text and carried out together or not at all. */
import type { Replacement } from '../ports.ts';
import { type MatchFailure, type SearchReplace, searchReplace } from './search-replace.ts';

export type EditSetResult =
  | { ok: true; replacements: Replacement[] }
  /** `index`: from 0, of the edit that stopped the set. */
  | { ok: false; reason: MatchFailure | 'overlap'; index: number; message: string };

/** Every edit refers to `text` as it is now, not to what the edits before it made of it. */
export function editSet(text: string, edits: readonly SearchReplace[]): EditSetResult {
  if (!edits.length) return { ok: false, reason: 'empty', index: 0, message: 'There is no edit.' };
  const placed: (Replacement & { index: number })[] = [];
  for (const [index, edit] of edits.entries()) {
    const result = searchReplace(text, edit);
    if (!result.ok) return { ...result, index, message: named(edits.length, index, result.message) };
    placed.push(...result.replacements.map(replacement => ({ ...replacement, index })));
  }
  placed.sort((a, b) => a.start - b.start || a.end - b.end);
  for (const [at, next] of placed.entries()) {
    const previous = placed[at - 1];
    if (!previous || (next.start >= previous.end && next.start !== previous.start)) continue;
    const [first, second] = [previous.index, next.index].sort((a, b) => a - b);
    const message = `Edits ${first! + 1} and ${second! + 1} change the same text. Make one edit of them. Nothing was changed.`;
    return { ok: false, reason: 'overlap', index: second!, message };
  }
  return {
    ok: true,
    replacements: placed.map(({ start, end, text: inserted }) => ({ start, end, text: inserted })),
  };
}

const named = (count: number, index: number, message: string): string =>
  count === 1 ? message : `Edit ${index + 1} of ${count}: ${message} None of the edits was made.`;
