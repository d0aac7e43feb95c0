/** The lines that belong together around a cursor, by indentation: for languages that no symbol provider knows here. */
export interface LineRange {
  first: number;
  /** Inclusive. */
  last: number;
}

const FUNCTION =
  /\b(?:function|def|fn|func|fun|sub|proc|method|constructor)\b|=>\s*[{(]?\s*$|^[\w\s<>,:*&~[\].?]*\b(?!if\b|for\b|while\b|switch\b|catch\b|return\b|else\b|with\b|match\b)[\w~]+\s*\([^;]*\)[^;]*[{:]\s*$/;
/** What looks like a call with a block but only steers: `for x in items.values():`. */
const CONTROL =
  /^[\s}]*(?:async\s+)?(?:if|elif|else|for|while|switch|match|catch|except|with|try)\b(?!.*(?:\bfunction\b|=>))/;
/** With what it derives from, it looks like a function: `class A(Base):`. */
const CLASS = /^\s*(?:\w+\s+)*(?:class|record)\s+\w/;
const CLOSER = /^\s*(?:[)\]}]|end\b)/;

/** The function around `line`, else the lines between blank lines; null on a blank line outside any function. */
export function enclosingBlock(lines: readonly string[], line: number): LineRange | null {
  const isBlank = (lines[line] ?? '').trim() === '';
  for (let start = line; start >= 0; start--) {
    const text = lines[start]!;
    if (text.trim() === '' || !FUNCTION.test(text) || CONTROL.test(text)) continue;
    if (isBlank && CLASS.test(text)) continue;
    const last = blockEnd(lines, start);
    if (last >= line && (last > start || start === line)) return { first: leadingLine(lines, start), last };
  }
  return paragraph(lines, line);
}

/** The last line of the block that begins at `start`. */
function blockEnd(lines: readonly string[], start: number): number {
  const base = width(lines[start]!);
  let last = start;
  for (let i = start + 1; i < lines.length; i++) {
    const text = lines[i]!;
    if (text.trim() === '') continue;
    if (width(text) > base) last = i;
    else if (width(text) === base && CLOSER.test(text)) {
      last = i;
      if (!/[{([:]\s*$/.test(text)) break;
    } else break;
  }
  return last;
}

/** The first of the decorators and comments directly above `start`; they belong to the function there. */
export function leadingLine(lines: readonly string[], start: number): number {
  let first = start;
  while (first > 0 && /^\s*(?:@|\/\/|\/\*|\*|#(?!include|define|if|endif)|"""|\[\w)/.test(lines[first - 1]!))
    first--;
  return first;
}

function paragraph(lines: readonly string[], line: number): LineRange | null {
  if ((lines[line] ?? '').trim() === '') return null;
  let [first, last] = [line, line];
  while (first > 0 && lines[first - 1]!.trim() !== '') first--;
  while (last + 1 < lines.length && lines[last + 1]!.trim() !== '') last++;
  return { first, last };
}

const width = (line: string): number => /^[ \t]*/.exec(line)![0].replaceAll('\t', '    ').length;
