/**
 * What "always" means for a command: these words in this folder, exactly. A longer command may run when each part of it may; one
 * that sets variables, redirects, substitutes or changes folders is never covered.
 */
import { judgeCommand, type ShellKind } from './judge.ts';
import { parseCommand, type SimpleCommand } from './parse.ts';

export interface CommandRule {
  /** Relative to the workspace, normalised. null: in any folder of it. */
  cwd: string | null;
  /** Program and arguments, after quotes were removed. */
  words: string[];
}

/** The rules that would let `command` run unasked; null: it can't be remembered. */
export function rulesFor(
  command: string,
  cwd: string | null,
  shell: ShellKind = 'posix',
): CommandRule[] | null {
  const judged = judgeCommand(command, shell);
  if (shell === 'windows' || judged.verdict !== 'ask' || judged.warning) return null;
  const parsed = parseCommand(command);
  if (!parsed || parsed.features.size || !parsed.commands.every(isPlain)) return null;
  const lists = parsed.commands.map(({ words }) => words.map(({ value }) => value));
  const needed = lists.filter(words => !isFree(words)).map(words => ({ cwd, words }));
  // What is asked for although each part is free is so for the whole, which no rule of a part covers.
  return needed.length ? needed : null;
}

/** Whether every part of `command` is free or has its rule. */
export function isAllowed(
  command: string,
  cwd: string,
  rules: readonly CommandRule[],
  shell: ShellKind = 'posix',
): boolean {
  const needed = rulesFor(command, cwd, shell);
  return needed?.every(need => rules.some(rule => covers(rule, need))) ?? false;
}

/** A rule as the user reads it. */
export const describeRule = ({ words }: CommandRule): string => words.map(quoted).join(' ');

const covers = (rule: CommandRule, need: CommandRule): boolean =>
  (rule.cwd === null || rule.cwd === need.cwd) &&
  rule.words.length === need.words.length &&
  rule.words.every((word, index) => word === need.words[index]);

function isPlain({ words, assignments, redirections }: SimpleCommand): boolean {
  return (
    words.length > 0 &&
    words.every(({ isLiteral }) => isLiteral) &&
    !assignments.length &&
    redirections.every(({ target, isDuplication }) => isDuplication || target?.value === '/dev/null') &&
    !words.some(({ value }) => /^(cd|pushd|popd)$/.test(value))
  );
}

const isFree = (words: readonly string[]): boolean =>
  judgeCommand(words.map(quoted).join(' ')).verdict === 'free';
const quoted = (word: string): string =>
  /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
