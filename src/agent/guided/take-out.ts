/**
 * What a checker calls superfluous is taken out by the host: a small model copies the line that it is to delete. Only where taking
 * out is all there is to do, and what goes does nothing; the checker is asked again afterwards.
 */
import { depthOf } from '../edits/lines.ts';
import type { Diagnostic } from '../ports.ts';
import { definedName, IMPORT_LINE } from './region.ts';

const UNUSED = /\bunused\b|never (?:used|read)|not accessed|assigned a value but/i;
const UNREACHABLE = /unreachable/i;
const DUPLICATE = /duplicat|redefin|reimport/i;

type Problem = Pick<Diagnostic, 'line' | 'message'>;

/** `text` without what these problems of it are about; null: nothing of it is known to be superfluous. */
export function takenOut(text: string, problems: readonly Problem[]): string | null {
  let lines = text.split('\n');
  // From the last on, so that the lines before keep their numbers.
  for (const { line, message } of problems.toSorted((a, b) => b.line - a.line))
    lines = withoutProblem(lines, line - 1, message) ?? lines;
  const after = lines.join('\n');
  return after === text ? null : after;
}

function withoutProblem(lines: string[], at: number, message: string): string[] | null {
  const line = lines[at];
  if (line === undefined || line.trim() === '') return null;
  if (UNREACHABLE.test(message)) return without(lines, at, endOfBlock(lines, at));
  const end = endOfStatement(lines, at);
  if (DUPLICATE.test(message) && IMPORT_LINE.test(line)) return withImportMerged(lines, at, end);
  if (!UNUSED.test(message)) return null;
  const named = new Set(message.match(/[A-Za-z_$][\w$]*/g));
  if (IMPORT_LINE.test(line)) return withoutImported(lines, at, end, named);
  const name = definedName(line) ?? /^\s*([A-Za-z_]\w*)\s*=(?!=)/.exec(line)?.[1];
  // A parameter is of another function's line, and what is called may do something.
  if (name === undefined || !named.has(name)) return null;
  const value = /^[^=(]*=(?!=|>)(.*)$/s.exec(lines.slice(at, end).join('\n'))?.[1] ?? '';
  const isFunction = /^\s*(?:async\s+)?(?:function\b|\([^()]*\)\s*(?::[^=]+)?=>|[\w$]+\s*=>)/.test(value);
  return !isFunction && /[(`]|\bawait\b/.test(value) ? null : without(lines, at, end);
}

/** Without the lines up to `end` (not included), and without a blank line that then has another before it. */
function without(lines: readonly string[], from: number, end: number): string[] {
  const isBlank = (line: string | undefined) => line === undefined || line.trim() === '';
  const isDouble = isBlank(lines[from - 1]) && end < lines.length - 1 && isBlank(lines[end]);
  return [...lines.slice(0, from), ...lines.slice(isDouble ? end + 1 : end)];
}

/** Behind the statement that begins at `at`: what is indented below it, and what closes its brackets. */
function endOfStatement(lines: readonly string[], at: number): number {
  const base = depthOf(lines[at]!);
  let end = at + 1;
  for (let next = end; next < lines.length; next++) {
    const line = lines[next]!;
    if (line.trim() === '') continue;
    if (depthOf(line) <= base && !(depthOf(line) === base && /^\s*[)\]}]/.test(line))) break;
    end = next + 1;
  }
  return end;
}

/** Where the block of `at` ends, or something that can be reached begins: a function, or another case. */
function endOfBlock(lines: readonly string[], at: number): number {
  const base = depthOf(lines[at]!);
  let end = at;
  while (end < lines.length) {
    const line = lines[end]!;
    if (line.trim() !== '' && depthOf(line) < base) break;
    if (
      depthOf(line) === base &&
      /^\s*(?:(?:async\s+)?function\b|case\b|default\s*:|[)\]}])/.test(line) &&
      end > at
    )
      break;
    end = line.trim() === '' ? end + 1 : endOfStatement(lines, end);
  }
  while (lines[end - 1]!.trim() === '') end--;
  return end;
}

interface Imported {
  /** What stands before the names, and behind them. */
  before: string;
  names: string[];
  behind: string;
  module: string;
}

const LIST: readonly RegExp[] = [
  /^(?<before>import\s+(?:type\s+)?\{)(?<names>[^}]*)(?<behind>\}\s*from\s*(?<module>['"][^'"]+['"]).*)$/s,
  /^(?<before>from\s+(?<module>\S+)\s+import\s+\(?)(?<names>[\w\s,]+)(?<behind>\)?)$/s,
];

function importedBy(statement: string): Imported | null {
  const groups = LIST.map(pattern => pattern.exec(statement)?.groups).find(found => found !== undefined);
  if (!groups) return null;
  const { before, names, behind, module } = groups as Record<
    'before' | 'names' | 'behind' | 'module',
    string
  >;
  const list = names.split(',').map(name => name.trim());
  return { before, names: list.filter(Boolean), behind, module };
}

const importOf = ({ before, behind }: Imported, names: readonly string[]): string =>
  before.endsWith('{') ? `${before} ${names.join(', ')} ${behind}` : `${before}${names.join(', ')}${behind}`;

/** `a as b` is known as `b`. */
const localName = (name: string): string => name.split(/\s+as\s+/).at(-1)!;

function withoutImported(
  lines: readonly string[],
  at: number,
  end: number,
  unused: ReadonlySet<string>,
): string[] | null {
  const statement = lines.slice(at, end).join('\n');
  const list = importedBy(statement);
  if (list === null) {
    // One name: `import a from 'a'`, `import * as a from 'a'`, `import a`, `import a as b`.
    const name = /^import\s+(?:\*\s+as\s+)?(?:[\w.]+\s+as\s+)?([\w$]+)(?:\s+from\s.*)?;?\s*$/.exec(
      statement,
    )?.[1];
    return name !== undefined && unused.has(name) ? without(lines, at, end) : null;
  }
  const kept = list.names.filter(name => !unused.has(localName(name)));
  if (kept.length === list.names.length) return null;
  if (kept.length === 0) return without(lines, at, end);
  return [...lines.slice(0, at), importOf(list, kept), ...lines.slice(end)];
}

/** The names of the import at `at` added to another one of the same module. */
function withImportMerged(lines: readonly string[], at: number, end: number): string[] | null {
  const own = importedBy(lines.slice(at, end).join('\n'));
  for (let other = 0; other < at; other++) {
    if (lines[other]!.trim() === lines[at]!.trim() && end === at + 1) return without(lines, at, end);
    if (own === null || !IMPORT_LINE.test(lines[other]!)) continue;
    const otherEnd = endOfStatement(lines, other);
    const list = importedBy(lines.slice(other, otherEnd).join('\n'));
    if (list?.module !== own.module || list.before !== own.before) continue;
    const merged = importOf(list, [...new Set([...list.names, ...own.names])]);
    return without(
      [...lines.slice(0, other), merged, ...lines.slice(otherEnd)],
      at - otherEnd + other + 1,
      end - otherEnd + other + 1,
    );
  }
  return null;
}
