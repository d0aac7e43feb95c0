/**
 * In which order a change is tried. Small models find by many different attempts that a check judges what they don't find by
 * thinking about one of them.
 */
import type { CheckReport } from './check-report.ts';
import type { MendKind } from './line-mends.ts';

/**
 * `code`: written straight. `diagnosis`: the model says first what it will do, since it is then less ready to copy the code as it is.
 * `follow-up`: it hears what was wrong with its last version, and says again what it will do.
 * `anew`: functions that the model does not see any more, one after the other; `restart`: all of them at once, `sees` their heads, or
 * their names only, since the parameters and comments of a wrong version mislead.
 * `lines`: single lines, each from its surroundings; in the functions that the failing test leads to, wherever it may be, or at the
 * problems that a checker reports. `removal`: the host takes out what a checker calls superfluous.
 * `step`: of the places to change, which.
 */
export type Round =
  | { how: Rewriting; step: number; temperature: number }
  | { how: 'anew'; temperature: number }
  | { how: 'restart'; sees: Sees; temperature: number }
  | { how: 'lines'; kind: MendKind; where: Where }
  | { how: 'removal' };
export type Where = 'suspects' | 'everywhere' | 'problems';
export type Sees = 'heads' | 'names';
export type Rewriting = 'code' | 'diagnosis' | 'follow-up';

/**
 * For what a checker reports, or a user wants: the place is known, and the words say what to do. A model that writes the code as it
 * was is asked for the line without seeing it next.
 */
const BY_WORDS: readonly Round[] = [
  { how: 'removal' },
  { how: 'code', step: 0, temperature: 0 },
  { how: 'lines', kind: 'replace', where: 'problems' },
  { how: 'lines', kind: 'insert', where: 'problems' },
  { how: 'diagnosis', step: 0, temperature: 0.2 },
  { how: 'follow-up', step: 0, temperature: 0.4 },
  { how: 'code', step: 1, temperature: 0.4 },
  { how: 'diagnosis', step: 1, temperature: 0.7 },
  { how: 'code', step: 2, temperature: 0.7 },
  { how: 'diagnosis', step: 0, temperature: 0.9 },
  { how: 'code', step: 0, temperature: 1 },
];

/**
 * For a failing test, which says where it fails and not what is wrong: written straight away, the code comes back as it was. So
 * what the model is shown is taken away from it. Lines first, since that leaves most of the code as its author wrote it.
 */
const BY_TESTS: readonly Round[] = [
  { how: 'lines', kind: 'replace', where: 'suspects' },
  { how: 'anew', temperature: 0 },
  { how: 'lines', kind: 'replace', where: 'everywhere' },
  { how: 'diagnosis', step: 0, temperature: 0.2 },
  { how: 'restart', sees: 'heads', temperature: 0.2 },
  { how: 'lines', kind: 'insert', where: 'everywhere' },
  { how: 'anew', temperature: 0.8 },
  { how: 'diagnosis', step: 1, temperature: 0.7 },
  { how: 'restart', sees: 'heads', temperature: 0.8 },
  { how: 'code', step: 0, temperature: 1 },
  { how: 'restart', sees: 'heads', temperature: 1 },
];

/**
 * Where hardly any test passes no single line is wrong: it is begun anew from the tests, after one look at it, since a cause like a
 * missing import is seen.
 */
const BY_ALL_TESTS: readonly Round[] = [
  { how: 'diagnosis', step: 0, temperature: 0.2 },
  { how: 'restart', sees: 'names', temperature: 0.2 },
  { how: 'restart', sees: 'heads', temperature: 0.2 },
  { how: 'restart', sees: 'names', temperature: 0.8 },
  ...BY_TESTS,
];

/** How many it takes at least; what the host does by itself takes none. */
export function answersOf({ how }: Round): number {
  if (how === 'removal') return 0;
  return how === 'diagnosis' || how === 'follow-up' ? 2 : 1;
}

/** Whether what it writes follows the words of the task. */
export const readsTask = ({ how }: Round): boolean => how !== 'lines' && how !== 'removal';

/** So many times as many tests fail as pass. */
const FEW = 2;

/** `check`: how the user's check ended; null if there is none. */
export function roundsFor(check: CheckReport | null): readonly Round[] {
  if (check === null || check.isPassing) return BY_WORDS;
  return (check.failed ?? 0) > FEW * (check.passed ?? 0) ? BY_ALL_TESTS : BY_TESTS;
}
