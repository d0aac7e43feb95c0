/**
 * An answer that leaves out parts of a file (`// ... existing code ...`), or is one declaration of it, laid over the file. Where more
 * than one reading is possible it is refused, not guessed.
 */
import type { Replacement } from '../ports.ts';
import { type Block, blocksOf, isMarkerLine } from './blocks.ts';
import { likeness } from './find-lines.ts';
import { indentOf, isBlank, LfText } from './lines.ts';
import { arrayHunks, replaceLines } from './search-replace.ts';

export type LazyResult = { ok: true; replacements: Replacement[] } | { ok: false; message: string };

/** Of the lines of a block. More that goes without a word was forgotten, not deleted. */
const MAX_REMOVED_SHARE = 0.3;

/** From here on one statement may be meant as another one's successor. */
const ALIKE = 0.6;

class Unclear extends Error {}

export function applyLazy(original: string, answer: string): LazyResult {
  const file = new LfText(original);
  const from = file.lines.map(line => line.text);
  const answered = new LfText(answer).lines.map(line => line.text);
  try {
    const merged = mergeFile(from, answered);
    const hunks = arrayHunks(from, merged);
    if (!hunks.length)
      return { ok: false, message: 'The answer is what the file has already; nothing would change.' };
    const replacements = hunks.map(({ start, end, lines }) =>
      file.toOriginal(replaceLines(file, start, end, lines)),
    );
    return { ok: true, replacements };
  } catch (error) {
    if (error instanceof Unclear)
      return { ok: false, message: `${error.message} Give the old and the new lines.` };
    throw error;
  }
}

interface Span {
  lines: readonly string[];
  blocks: Block[];
  start: number;
  end: number;
}
const spanOf = (lines: readonly string[], start: number, end: number): Span => ({
  lines,
  blocks: blocksOf(lines, start, end),
  start,
  end,
});

function mergeFile(file: readonly string[], answer: readonly string[]): string[] {
  const given = spanOf(answer, 0, answer.length);
  const named = given.blocks.filter(({ isMarker }) => !isMarker);
  if (!named.length) throw new Unclear('The answer has no code.');
  const target = containerOf(spanOf(file, 0, file.length), named);
  const hasMarker = answer.some(isMarkerLine);
  const keys = new Set(target.blocks.map(({ key }) => key));
  if (!hasMarker) {
    const isWhole = target.start === 0 && target.end === file.length && includesAll(named, target.blocks);
    if (isWhole) return [...answer];
    if (!named.every(({ key }) => keys.has(key))) {
      throw new Unclear('The answer has new parts, and nothing says where they belong.');
    }
  }
  // Without a marker beside it a declaration alone says nothing about what stands around it.
  const isPart = !given.blocks.some(({ isMarker }) => isMarker);
  const merged = merge(target, given, isPart);
  const count = (lines: readonly string[]): number => lines.filter(isMarkerLine).length;
  if (count(merged) > count(file.slice(target.start, target.end))) {
    throw new Unclear('A new part of the answer leaves something out.');
  }
  return [...file.slice(0, target.start), ...merged, ...file.slice(target.end)];
}

const includesAll = (blocks: readonly Block[], wanted: readonly Block[]): boolean => {
  const keys = new Set(blocks.map(({ key }) => key));
  return wanted.every(({ key }) => keys.has(key));
};

/** The innermost list of blocks that the answer is about: the file, or the only class or the like that has what it names. */
function containerOf(file: Span, named: readonly Block[]): Span {
  const matches = (span: Span): number =>
    named.filter(({ key }) => span.blocks.some(block => block.key === key)).length;
  if (matches(file)) return file;
  const inner: Span[] = [];
  const visit = ({ lines, blocks }: Span): void => {
    for (const { body } of blocks) {
      if (!body) continue;
      const span = spanOf(lines, body.start, body.end);
      if (matches(span) === named.length) inner.push(span);
      visit(span);
    }
  };
  visit(file);
  if (inner.length > 1) throw new Unclear('The file has several places with what the answer names.');
  return inner[0] ?? file;
}

/** The lines of `target` with `given` laid over them. `isPart`: what `given` does not name stays. */
function merge(target: Span, given: Span, isPart: boolean): string[] {
  const pairs = align(target.blocks, given.blocks);
  const isLike = (a: Block, b: Block): boolean => {
    const [one, other] = [given.lines[a.head]!.trim(), target.lines[b.head]!.trim()];
    return likeness(one, other) >= ALIKE || (/^return\b/.test(one) && /^return\b/.test(other));
  };
  /** A new statement may be a changed one of those that the marker stands for, and would then be there twice. */
  const refuseDoubles = (added: Block[], omitted: Block[]): void => {
    const isStatement = ({ key }: Block): boolean => key.startsWith('text ');
    for (const block of added.filter(isStatement)) {
      if (!omitted.some(other => isStatement(other) && isLike(block, other))) continue;
      throw new Unclear('A line may be new or a change of one that was left out.');
    }
  };
  const result = new Output(target, given);
  let removedLines = 0;
  let done = -1;
  let waiting: Block[] = [];
  const settle = (until: number): void => {
    const omitted = target.blocks.slice(done + 1, until);
    const markers = waiting.filter(({ isMarker }) => isMarker).length;
    const first = waiting.findIndex(({ isMarker }) => isMarker);
    const last = waiting.findLastIndex(({ isMarker }) => isMarker);
    if (isPart && waiting.length && omitted.length)
      throw new Unclear('Nothing says where the new parts belong.');
    if (markers && last - first + 1 > markers && omitted.length) {
      throw new Unclear('New lines stand between two parts that were left out.');
    }
    if (markers) refuseDoubles(waiting, omitted);
    if (!markers && !isPart) removedLines += omitted.reduce((sum, { start, end }) => sum + end - start, 0);
    const isKept = isPart || markers > 0;
    for (const block of waiting.slice(0, Math.max(0, first))) result.addNew(block);
    if (isKept) for (const block of omitted) result.keep(block);
    for (const block of waiting.slice(Math.max(0, first))) if (!block.isMarker) result.addNew(block);
  };
  for (const block of given.blocks) {
    const index = pairs.get(block);
    if (index === undefined) {
      waiting.push(block);
      continue;
    }
    settle(index);
    waiting = [];
    done = index;
    result.replace(target.blocks[index]!, block);
  }
  settle(target.blocks.length);
  if (removedLines > MAX_REMOVED_SHARE * (target.end - target.start)) {
    throw new Unclear('The answer leaves out much of the file without saying that it stays.');
  }
  return result.lines;
}

/** Blocks with the same key, in the same order in both. @throws Unclear when the order differs. */
function align(target: readonly Block[], given: readonly Block[]): Map<Block, number> {
  const pairs = new Map<Block, number>();
  let from = 0;
  for (const block of given) {
    if (block.isMarker) continue;
    const index = target.findIndex(({ key }, at) => at >= from && key === block.key);
    if (index < 0) {
      if (target.some(({ key }) => key === block.key))
        throw new Unclear('The answer has the parts of the file in another order.');
      continue;
    }
    pairs.set(block, index);
    from = index + 1;
  }
  return pairs;
}

/** Collects lines, with the blank lines and the indentation that they have in the file. */
class Output {
  readonly lines: string[] = [];
  readonly #target: Span;
  readonly #given: Span;
  #wasNew = false;

  constructor(target: Span, given: Span) {
    this.#target = target;
    this.#given = given;
  }

  keep(block: Block): void {
    this.#blank(blanksBefore(this.#target, block));
    this.lines.push(...this.#target.lines.slice(block.start, block.end));
    this.#wasNew = false;
  }

  addNew(block: Block): void {
    this.#blank(blanksBefore(this.#given, block));
    const sibling = this.#target.blocks[0];
    const lines = this.#given.lines.slice(block.start, block.end);
    this.lines.push(
      ...(sibling
        ? reindented(lines, this.#target.lines[sibling.head]!, this.#given.lines[block.head]!)
        : lines),
    );
    this.#wasNew = block.body !== null;
  }

  replace(old: Block, block: Block): void {
    this.#blank(blanksBefore(this.#target, old));
    const { lines } = this.#given;
    const shift = (from: number, to: number): string[] =>
      reindented(lines.slice(from, to), this.#target.lines[old.head]!, lines[block.head]!);
    // Comments that the answer does not repeat are not gone.
    if (block.start === block.head) this.lines.push(...this.#target.lines.slice(old.start, old.head));
    const hasMarker = lines.slice(block.head, block.end).some(isMarkerLine);
    if (!hasMarker) {
      this.lines.push(...shift(block.start, block.end));
    } else {
      if (!old.body || !block.body)
        throw new Unclear('A part that was left out stands where the file has no block of its own.');
      this.lines.push(...shift(block.start, block.body.start));
      const inner = spanOf(this.#target.lines, old.body.start, old.body.end);
      this.lines.push(...merge(inner, spanOf(lines, block.body.start, block.body.end), false));
      this.lines.push(...shift(block.body.end, block.end));
    }
    this.#wasNew = false;
  }

  #blank(count: number): void {
    const blanks = this.lines.length && this.#wasNew ? Math.max(1, count) : count;
    for (let index = 0; index < blanks; index++) this.lines.push('');
  }
}

function blanksBefore({ lines, start }: Span, block: Block): number {
  let count = 0;
  while (block.start - 1 - count >= start && isBlank(lines[block.start - 1 - count]!)) count++;
  return count;
}

/** Lines with the indentation of one line in the place of that of another. */
function reindented(lines: readonly string[], like: string, own: string): string[] {
  const [to, from] = [indentOf(like), indentOf(own)];
  if (to === from) return [...lines];
  return lines.map(line => {
    if (isBlank(line)) return '';
    if (line.startsWith(from)) return to + line.slice(from.length);
    return to + line.trimStart();
  });
}
