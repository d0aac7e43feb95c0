/** The fixing cases: files, a diagnostic and where it is; solved when the checker is content as the record demands. */
import { join } from 'node:path';
import { lostNames } from '../../../src/agent/guided/part-answer.ts';
import type { Files } from '../../support/memory-ports.ts';
import { readRecords } from '../records.ts';
import type { AgentCase } from './case.ts';
import {
  type Checked,
  type Checker,
  eslintChecker,
  pylintChecker,
  pyrightChecker,
  ruffChecker,
  typescriptChecker,
} from './checkers.ts';

interface FixingRecord {
  id: string;
  files: { name: string; content: string }[];
  target_file: string;
  /** From 0: line, column, line, column. */
  selection: [number, number, number, number];
  message: string;
  provider?: string;
  rule?: string | null;
  rule_options?: unknown[];
  success: {
    outcome: 'edit' | 'chat' | 'either';
    max_diagnostics?: number;
    ignore_codes?: number[];
    message_gone?: boolean;
    fewer_diagnostics?: boolean;
    no_parse_error?: boolean;
    must_contain?: string | string[];
    must_precede?: [string, string];
    chat_regex?: string;
  };
}

export const FIXING = {
  'agent-fix-tsc': 'copilot_fixing_tsc.jsonl',
  'agent-fix-eslint': 'copilot_fixing_eslint.jsonl',
  'agent-fix-python': 'copilot_fixing_python.jsonl',
} as const;

export function fixingCases(suite: keyof typeof FIXING, folder: string): AgentCase[] {
  const records = readRecords(join(folder, FIXING[suite])) as FixingRecord[];
  const checkers = new Map<string, Checker>();
  const shared = (name: string, make: () => Checker): Checker => {
    if (!checkers.has(name)) checkers.set(name, make());
    return checkers.get(name)!;
  };
  return records.map(record => {
    if (suite === 'agent-fix-tsc') return fixingCase(record, shared('tsc', typescriptChecker));
    if (suite === 'agent-fix-eslint')
      return fixingCase(record, eslintChecker(record.rule ?? null, record.rule_options ?? []));
    const make = { pyright: pyrightChecker, pylint: pylintChecker, ruff: ruffChecker }[record.provider ?? ''];
    if (!make) throw new Error(`${record.id}: there is no checker \`${record.provider}\`.`);
    return fixingCase(record, shared(record.provider!, make));
  });
}

function fixingCase(record: FixingRecord, checker: Checker): AgentCase {
  const files: Files = new Map(record.files.map(({ name, content }) => [name, content]));
  const original = new Map(files);
  const [startLine, , endLine] = record.selection;
  let before: Checked[] | null = null;
  return {
    id: record.id,
    files,
    world: { diagnose: checker },
    first: {
      task: record.message ? `Fix this problem: ${record.message}` : 'Fix the problem in the selected lines.',
      context: {
        openFile: {
          path: record.target_file,
          selection: { startLine: startLine + 1, endLine: endLine + 1 },
        },
        attachments: [],
      },
      checkCommand: null,
    },
    async judge(after, answer) {
      const { success } = record;
      const isChanged = [...after].some(([path, text]) => original.get(path) !== text);
      if (!isChanged && success.outcome !== 'edit' && success.chat_regex)
        return new RegExp(success.chat_regex).test(answer) ? null : 'the answer does not say what to do';
      if (!isChanged) return 'nothing was changed';
      const lost = [...original].flatMap(([path, text]) => lostNames(text, after.get(path) ?? ''));
      if (lost.length > 0 && !IS_SUPERFLUOUS.test(`${record.id} ${record.rule} ${record.message}`))
        return `lost: ${lost.join(', ')}`;
      before ??= checker(original);
      return judgeFiles(record, before, checker(after), after.get(record.target_file) ?? '');
    },
  };
}

/** Such a record may be about a definition that is to go; in any other a checker is content with code that was deleted. */
const IS_SUPERFLUOUS =
  /unus|never (?:used|read)|dup(?:e|licat)|unreachable|redundant|already (?:defined|declared)/i;

function judgeFiles(
  { success, rule, message, target_file: target }: FixingRecord,
  before: Checked[],
  after: Checked[],
  text: string,
): string | null {
  const counts = (all: Checked[]) =>
    all.filter(
      ({ severity, code }) => severity !== 'information' && !success.ignore_codes?.map(String).includes(code),
    );
  const left = counts(after);
  const [first] = left;
  if (success.max_diagnostics !== undefined && left.length > success.max_diagnostics)
    return `left: ${first!.line}: ${first!.message}`;
  if (success.fewer_diagnostics && left.length >= counts(before).length)
    return `not fewer: ${first!.message}`;
  if (success.no_parse_error) {
    const wrong = after.find(({ path, code }) => path === target && (code === 'parse' || code === rule));
    if (wrong) return `left: ${wrong.line}: ${wrong.message}`;
  }
  if (success.message_gone) {
    if (after.some(one => one.message.startsWith(message))) return 'the message is still there';
    // 1xxx are TypeScript's syntax errors.
    const syntax = (all: Checked[]) => all.filter(({ code }) => /^1\d{3}$/.test(code)).length;
    if (syntax(after) > syntax(before)) return 'a new syntax error';
  }
  const absent = [success.must_contain ?? []].flat().find(part => !text.includes(part));
  if (absent !== undefined) return `without ${absent}`;
  if (success.must_precede) {
    const [a, b] = success.must_precede.map(part => text.indexOf(part));
    if (a! < 0 || b! < 0 || a! > b!) return `not in order: ${success.must_precede.join(', ')}`;
  }
  return null;
}
