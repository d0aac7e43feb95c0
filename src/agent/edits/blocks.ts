/**
 * The statements and declarations of a text, told by indentation: enough structure to lay one version of a file over another in any
 * language that is indented as usual, without a grammar for each.
 */
import { indentOf, isBlank } from './lines.ts';

export interface Block {
  /** First line, with the comments and decorators before it. */
  start: number;
  /** The line of the statement itself. */
  head: number;
  /** After its last line. */
  end: number;
  /** What it declares, or its text: the same in two versions of a file when they mean the same thing. */
  key: string;
  /** A comment that stands for code which was left out. */
  isMarker: boolean;
  /** The indented lines inside, where they are one run; null: it has none, or several. */
  body: { start: number; end: number } | null;
}

const MARKER =
  /^\s*(?:\/\/|#|--|;|%|\/\*|<!--|\{\/\*)\s*(?:\.{3}|…)?\s*(?:\.{3}|…|(?:the\s+)?(?:rest|remaining|existing|other|previous|same)\b).*$/i;
const ELLIPSIS = /\.{3}|…|\b(unchanged|as before|remains?|stays?|rest of|remaining|existing code)\b/i;

/** `// ... existing code ...`, `# rest of the file unchanged` and the like. */
export const isMarkerLine = (line: string): boolean => MARKER.test(line) && ELLIPSIS.test(line);

const COMMENT = /^\s*(\/\/|\/\*|\*|#(?!include|define|if|endif|pragma)|--\s|@[\w.]|#\[|<!--|"""|''')/;
const CLOSER = /^\s*([)}\]]|end\b|<\/|"""|''')/;
const CONTINUES = /^\s*(else|elif|elsif|except|finally|catch|rescue|ensure|\{)/;

/** The blocks of the lines from `start` to `end` (not included) at their least indentation. */
export function blocksOf(lines: readonly string[], start: number, end: number): Block[] {
  const isText = (index: number): boolean => index < end && !isBlank(lines[index]!);
  const depth = (index: number): number => indentOf(lines[index]!).length;
  const code = range(start, end).filter(index => isText(index) && !isMarkerLine(lines[index]!));
  const base = Math.min(...code.map(depth), Number.POSITIVE_INFINITY);
  const blocks: Block[] = [];
  let pending: number | null = null;
  for (let at = start; at < end; at++) {
    const line = lines[at]!;
    if (isBlank(line)) continue;
    if (isMarkerLine(line)) {
      blocks.push({ start: at, head: at, end: at + 1, key: '', isMarker: true, body: null });
      pending = null;
      continue;
    }
    if (COMMENT.test(line)) {
      pending ??= at;
      if (/\/\*(?!.*\*\/)/.test(line)) while (at + 1 < end && !lines[at]!.includes('*/')) at++;
      if (hasStatementAfter(lines, at + 1, end)) continue;
    }
    const stop = COMMENT.test(line) ? at + 1 : endOfStatement(lines, at, end, base);
    blocks.push(blockAt(lines, pending ?? at, at, stop, base));
    pending = null;
    at = stop - 1;
  }
  return blocks;
}

/** Whether a comment before this line has something to belong to, with no blank line in between. */
function hasStatementAfter(lines: readonly string[], at: number, end: number): boolean {
  return at < end && !isBlank(lines[at]!) && !isMarkerLine(lines[at]!) && !CLOSER.test(lines[at]!);
}

function endOfStatement(lines: readonly string[], head: number, end: number, base: number): number {
  let stop = head + 1;
  for (let at = head + 1; at < end; at++) {
    const line = lines[at]!;
    if (isBlank(line)) continue;
    const isInside = indentOf(line).length > base;
    if (!isInside && !CLOSER.test(line) && !CONTINUES.test(line)) break;
    if (!isInside && isMarkerLine(line)) break;
    stop = at + 1;
  }
  return stop;
}

function blockAt(lines: readonly string[], start: number, head: number, end: number, base: number): Block {
  const key = keyOf(lines.slice(head, end));
  const inner = range(head + 1, end).filter(at => !isBlank(lines[at]!) && indentOf(lines[at]!).length > base);
  const [first, last] = [inner[0], inner.at(-1)];
  if (first === undefined || last === undefined)
    return { start, head, end, key, isMarker: false, body: null };
  const isOneRun = range(first, last + 1).every(
    at => isBlank(lines[at]!) || indentOf(lines[at]!).length > base,
  );
  return { start, head, end, key, isMarker: false, body: isOneRun ? { start: first, end: last + 1 } : null };
}

const MODIFIERS =
  /^(?:(?:export|default|async|public|private|protected|internal|static|abstract|final|override|readonly|virtual|sealed|declare|unsafe|extern|inline|pub(?:\([^)]*\))?|get|set)\s+)+/;
const DECLARED =
  /^(?:class|interface|enum|struct|trait|type|namespace|module|mod|def|fn|func|function\*?|sub|record|object|val|var|let|const)\s+(?:\([^)]*\)\s*)?([\w$]+)/;
const METHOD = /^(?:[\w$<>[\],.?*&:]+\s+)*([\w$#~]+)\s*(?:<[^>]*>)?\([^;]*$/;
const NOT_A_NAME =
  /^(if|for|while|switch|return|catch|with|match|do|else|throw|await|yield|new|super|typeof|using|lock)$/;

/** Two versions of a declaration have the same key, whatever else of them changed. */
function keyOf(lines: readonly string[]): string {
  const text = lines.map(line => line.trim()).join(' ');
  const imported =
    /^import\b.*?(?:from\s+)?(['"])(.+?)\1/.exec(text)?.[2] ?? /^from\s+(\S+)\s+import\b/.exec(text)?.[1];
  if (imported) return `import ${imported}`;
  if (/^(use|using|require|#include|package)\b/.test(text)) return `import ${text}`;
  const head = lines[0]!.trim().replace(MODIFIERS, '');
  const declared = DECLARED.exec(head)?.[1];
  if (declared) return `declaration ${declared}`;
  const method = lines.length > 1 || head.endsWith('}') ? METHOD.exec(head)?.[1] : undefined;
  return method && !NOT_A_NAME.test(method) ? `declaration ${method}` : `text ${lines[0]!.trim()}`;
}

const range = (from: number, to: number): number[] =>
  Array.from({ length: Math.max(0, to - from) }, (_, index) => from + index);
