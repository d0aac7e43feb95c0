/** What the checkers and the user's check say about the files as they are, and whether that is better than before. */
import type { Diagnostic } from '../ports.ts';
import { type CheckReport, isBetterCheck } from './check-report.ts';

export interface Findings {
  /** null: the task has no check, or it was not run. */
  check: CheckReport | null;
  /** Of the problems that the task is about. */
  remaining: Diagnostic[];
  /** Errors that were not there before the task, and milder problems where the task is about such. */
  fresh: Diagnostic[];
}

/** A problem wherever it has moved to; of a line that is still too long only the number in the message is another. */
const keyOf = ({ path, source, message }: Diagnostic): string =>
  `${path}\n${source}\n${message.replace(/\b\d+\b/g, '#')}`;

/** Those of `found` that exceed, by number of the same kind, what `before` holds. */
export function beyond(found: readonly Diagnostic[], before: readonly Diagnostic[]): Diagnostic[] {
  const left = new Map<string, number>();
  for (const one of before) left.set(keyOf(one), (left.get(keyOf(one)) ?? 0) + 1);
  return found.filter(one => {
    const count = left.get(keyOf(one)) ?? 0;
    left.set(keyOf(one), count - 1);
    return count <= 0;
  });
}

/** Those of `found` that are still problems of `wanted`: as many as there are too many of that kind. */
export function remainingOf(
  found: readonly Diagnostic[],
  before: readonly Diagnostic[],
  wanted: readonly Diagnostic[],
): Diagnostic[] {
  const others = beyond(before, wanted);
  const kinds = new Set(wanted.map(keyOf));
  return beyond(found, others).filter(one => kinds.has(keyOf(one)));
}

/** `mustPass`: the task is to make the check pass; otherwise it must only not be worse than it was. */
export function isSolved({ check, remaining, fresh }: Findings, start: Findings, mustPass: boolean): boolean {
  if (remaining.length > 0 || fresh.length > 0) return false;
  if (check === null || check.isPassing) return true;
  return !mustPass && start.check !== null && !isBetterCheck(start.check, check);
}

/** `mustPass`: the task is to make the check pass, which failed, and it is not run any more. */
export const isUnchecked = ({ check }: Findings, start: Findings, mustPass: boolean): boolean =>
  mustPass && check === null && start.check?.isPassing === false;

export function isBetter(a: Findings, b: Findings): boolean {
  if (a.check && b.check) {
    if (isBetterCheck(a.check, b.check)) return true;
    if (isBetterCheck(b.check, a.check)) return false;
  }
  const count = ({ remaining, fresh }: Findings) => remaining.length + fresh.length;
  return count(a) < count(b);
}
