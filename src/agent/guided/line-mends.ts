/**
 * Single lines written anew, each from what stands before and behind it: a wrong line is seldom the one that the model would write
 * there itself, so where the two differ there may be the fault. (Cloze-style repair: Xia and Zhang, Less Training, More Repairing
 * Please, 2022.) A model that is too small to find a fault by thinking about it finds many of them so.
 */
import { likeness } from '../edits/find-lines.ts';
import { indentOf } from '../edits/lines.ts';
import { lostNames } from './part-answer.ts';
import { definedName, IMPORT_LINE, type Region } from './region.ts';

/** `replace`: a line by another. `insert`: a line behind another, where one may be missing. */
export type MendKind = 'replace' | 'insert';

export interface LineMend {
  /** The whole file with the line. */
  text: string;
  /** Mean natural-log probability of the line's tokens. */
  confidence: number;
}
export interface Gap {
  prefix: string;
  suffix: string;
}
export interface Filled {
  text: string;
  /** Mean natural-log probability of the tokens. */
  confidence: number;
}
/** What the model writes into a gap of a line; null when it can't or may not write more. */
export type FillIn = (gap: Gap) => Promise<Filled | null>;

/** Of one pass: some two minutes of reading and writing. */
const MOST_LINES = 40;
/** What is read again for every line. */
const LINES_BEHIND = 20;
/** What is read once. */
const LINES_BEFORE = 80;

const NO_CODE = /^\s*(?:$|\/\/|#|\/\*|\*|"""|'''|@|[)\]}]+[;,]?\s*$)/;
const HEAD =
  /^\s*(?:(?:export|default|async|abstract|public|private|protected|static)\s+)*(?:class|interface|type|enum|function\*?|def)\b/;

/** `text`: the file. `regions`: where to look, the most likely first. The likeliest lines first. */
export function lineMends(
  text: string,
  regions: readonly Region[],
  kind: MendKind,
  fillIn: FillIn,
): Promise<LineMend[]> {
  const lines = text.split('\n');
  return mendsAt(lines, gapsIn(lines, regions, kind).slice(0, MOST_LINES), kind, [fillIn], () => true);
}

/**
 * The same at lines (from 0) that a checker's problems point at, whatever they are: replaced by a version of them, or another line put
 * in before. Each way to fill in is tried at each line.
 */
export function problemMends(
  text: string,
  places: readonly number[],
  kind: MendKind,
  fillIns: readonly FillIn[],
): Promise<LineMend[]> {
  const lines = text.split('\n');
  const gaps = [...new Set(places)].map(line => ({
    line: kind === 'replace' ? line : line - 1,
    first: line,
  }));
  const isFit = kind === 'replace' ? isVersion : (_: string, written: string) => !LEAVES.test(written);
  return mendsAt(
    lines,
    gaps,
    kind,
    fillIns,
    (line, written) => isFit(line, written) && (!SWITCH.test(written) || SWITCH.test(line)),
  );
}

/** What a checker is silenced with. */
const SWITCH = /eslint-disable|@ts-|type:\s*ignore|\bnoqa\b|(?:pylint|pyright|mypy|ruff):|biome-ignore/;
/** Behind it nothing is reached, so nothing is reported. */
const LEAVES = /^\s*(?:return|throw|raise|break|continue|pass|process\.exit|sys\.exit|exit|quit)\b/;
/** A checker is content with any other line in the place of one; it must still be that one, with what it defines. */
const LIKE = 0.5;

const isVersion = (line: string, written: string): boolean =>
  likeness(line.trim(), written.trim()) >= LIKE && lostNames(line, written).length === 0;

interface Place {
  line: number;
  first: number;
}

async function mendsAt(
  lines: readonly string[],
  places: readonly Place[],
  kind: MendKind,
  fillIns: readonly FillIn[],
  isFit: (line: string, written: string) => boolean,
): Promise<LineMend[]> {
  const mends = new Map<string, LineMend>();
  for (const { line, first } of places) {
    for (const fillIn of fillIns) {
      const written = await fillIn(gapAt(lines, line, first, kind));
      if (written === null) return likeliest(mends);
      const after = isFit(lines[line] ?? '', written.text) ? withLine(lines, line, kind, written.text) : null;
      if (after !== null && !mends.has(after))
        mends.set(after, { text: after, confidence: written.confidence });
    }
  }
  return likeliest(mends);
}

const likeliest = (mends: ReadonlyMap<string, LineMend>): LineMend[] =>
  [...mends.values()].sort((a, b) => b.confidence - a.confidence);

function gapsIn(lines: readonly string[], regions: readonly Region[], kind: MendKind): Place[] {
  const gaps = new Map<number, Place>();
  for (const { first, last } of regions) {
    for (let line = first; line <= last; line++) {
      const text = lines[line]!;
      const isGap =
        kind === 'insert'
          ? line < last && text.trim() !== '' && !IMPORT_LINE.test(text)
          : !NO_CODE.test(text) && !IMPORT_LINE.test(text) && !HEAD.test(text);
      if (isGap && !gaps.has(line)) gaps.set(line, { line, first });
    }
  }
  return [...gaps.values()];
}

function gapAt(lines: readonly string[], line: number, first: number, kind: MendKind): Gap {
  const start = Math.max(0, Math.min(first, line) - LINES_BEFORE);
  const before = lines.slice(start, kind === 'replace' ? line : line + 1);
  // The indentation of a new line is the model's to choose: it may go on with a block or end it.
  const indent = kind === 'replace' ? indentOf(lines[line]!) : '';
  return {
    prefix: `${before.join('\n')}${before.length > 0 ? '\n' : ''}${indent}`,
    suffix: `\n${lines.slice(line + 1, line + 1 + LINES_BEHIND).join('\n')}`,
  };
}

/** null: nothing new. To insert behind line -1 is to begin the file with it. */
function withLine(lines: readonly string[], line: number, kind: MendKind, written: string): string | null {
  const fresh = written.trimEnd();
  if (fresh.trim() === '' || /^\s*(?:\/\/|#|\/\*)/.test(fresh)) return null;
  const [before, behind] = [lines.slice(0, Math.max(0, line)), lines.slice(line + 1)];
  if (kind === 'replace') {
    if (fresh.trim() === lines[line]!.trim()) return null;
    return [...before, `${indentOf(lines[line]!)}${fresh.trimStart()}`, ...behind].join('\n');
  }
  const next = behind.find(text => text.trim() !== '');
  const isRepeated = [lines[line], next].some(text => text?.trim() === fresh.trim());
  // A name that the file defines already would be defined twice.
  const name = definedName(fresh);
  if (isRepeated || NO_CODE.test(fresh) || (name !== null && HEAD.test(fresh))) return null;
  return [...before, ...lines.slice(Math.max(0, line), line + 1), fresh, ...behind].join('\n');
}
