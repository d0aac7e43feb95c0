/** From the code of an answer to the new text of a file, or the reason why it can't be used, in words for the model. */
import { enclosingBlock } from '../code/enclosing-block.ts';
import { dedent, indentLike } from '../code/indentation.ts';
import { withExports } from './exports.ts';
import { laidOver, lostNames, withFragment } from './part-answer.ts';
import { definedName, IMPORT_LINE, type Region } from './region.ts';
import { promiseIn } from './stubs.ts';

export type Placed = { kind: 'text'; text: string } | { kind: 'refused'; reason: string };

const refused = (reason: string): Placed => ({ kind: 'refused', reason });

/** The longest fenced block of `answer`: what comes before it explains, what comes after it shows how to use it. */
export function codeIn(answer: string): string | null {
  const blocks: string[] = [];
  let open: { fence: string; lines: string[] } | null = null;
  for (const line of answer.replaceAll('\r\n', '\n').split('\n')) {
    const fence = /^\s*(`{3,})/.exec(line)?.[1];
    if (open === null) {
      if (fence) open = { fence, lines: [] };
    } else if (fence && fence.length >= open.fence.length && line.trim() === fence) {
      blocks.push(open.lines.join('\n'));
      open = null;
    } else open.lines.push(line);
  }
  // A stop string ends the answer before the fence that would close its last block.
  if (open !== null) blocks.push(open.lines.join('\n'));
  const longest = blocks.sort((a, b) => b.length - a.length)[0];
  return longest === undefined || longest.trim() === '' ? null : trimBlankLines(longest);
}

/**
 * `text`: the file, `\n` line ends, as `region` was taken from it. `mayLose`: what the region defines may be gone, since the task is
 * to take something away.
 */
export function placeCode(text: string, asked: Region, code: string, mayLose = false): Placed {
  const lines = text.split('\n');
  const region = meantRegion(lines, asked, code);
  const original = lines.slice(region.first, region.last + 1).join('\n');
  const finished = (placed: string) => withFinalNewline(text, withExports(text, placed));
  const lostBy = (after: string) => (mayLose ? [] : lostNames(original, after));
  const left = placeholderIn(code, original);
  const whole = finished(
    region.isWholeFile ? withHeader(text, code) : placeBlock(lines, region, original, code),
  );
  const lost = lostBy(whole);
  const isAll = left === null && lost.length === 0;
  const after = isAll
    ? whole
    : [laidOver(text, code), withFragment(lines, region, code)]
        .flatMap(part => (part === null ? [] : finished(part)))
        .find(part => placeholderIn(part, text) === null && lostBy(part).length === 0);
  if (after === undefined)
    return refused(`The answer leaves code out (${left ?? lost.join(', ')}). Write all of it.`);
  return after.trimEnd() === text.trimEnd()
    ? refused('The answer is the same code as before.')
    : { kind: 'text', text: after };
}

/** A model that is asked for one function may answer with the one that is to blame: then it goes there. */
function meantRegion(lines: readonly string[], region: Region, code: string): Region {
  const names = dedent(code)
    .split('\n')
    .flatMap(line => (/^\s/.test(line) ? [] : (definedName(line) ?? [])));
  const [name] = names;
  if (region.isWholeFile || name === undefined || names.length > 1) return region;
  const isDefinedIn = (from: number, to: number) =>
    lines.slice(from, to).some(line => definedName(line) === name);
  if (isDefinedIn(region.first, region.last + 1)) return region;
  const block = enclosingBlock(
    lines,
    lines.findIndex(line => definedName(line) === name),
  );
  return block ? { ...block, isWholeFile: false } : region;
}

const PLACEHOLDER =
  /^\s*(?:\/\/|#|\/\*+|\*)\s*(?:\.{3}|…|(?:the )?(?:rest|remaining|other|existing|previous|same)\b.*(?:code|functions?|methods?|file|class|as before|unchanged|here|remains?)\b|(?:your|add) (?:code|implementation)\b)/im;

function placeholderIn(code: string, original: string): string | null {
  const line = PLACEHOLDER.exec(code)?.[0].trim() ?? promiseIn(code);
  return line !== null && original.includes(line) ? null : line;
}

/** The comment at the top of a file (a licence, switches of a linter), which models leave out, is kept. */
function withHeader(text: string, code: string): string {
  const header = headerOf(text);
  return header === '' || headerOf(code) !== '' ? code : `${header}\n${code}`;
}

/** `text` without that comment. */
export function withoutHeader(text: string): string {
  const lines = text.split('\n');
  return trimBlankLines(lines.slice(headerLines(lines)).join('\n'));
}

function headerOf(text: string): string {
  const lines = text.split('\n');
  return trimBlankLines(lines.slice(0, headerLines(lines)).join('\n'));
}

function placeBlock(lines: readonly string[], region: Region, original: string, code: string): string {
  const { imports, body } = splitImports(code, original);
  const own = ownBlock(body, lines, region);
  const before = [...lines.slice(0, region.first)];
  const isThere = (statement: string) => `\n${lines.join('\n')}\n`.includes(`\n${statement}\n`);
  const missing = imports.filter(statement => !isThere(statement));
  const last = before.findLastIndex(line => IMPORT_LINE.test(line));
  const after = last < 0 ? headerLines(before) : afterImport(lines, last);
  // The last import may end within the region.
  before.splice(after > before.length ? last : after, 0, ...missing);
  return [...before, indentLike(original, own), ...lines.slice(region.last + 1)].join('\n');
}

/** Imports that an answer for the middle of a file begins with belong to the top of the file. */
function splitImports(code: string, original: string): { imports: string[]; body: string } {
  if (original.split('\n').some(line => IMPORT_LINE.test(line))) return { imports: [], body: code };
  const lines = code.split('\n');
  const imports: string[] = [];
  let at = 0;
  for (let line = lines[0]; line !== undefined; line = lines[at]) {
    const isBlank = line.trim() === '';
    if (!isBlank && !IMPORT_LINE.test(line)) return { imports, body: lines.slice(at).join('\n') };
    const end = isBlank ? at + 1 : afterImport(lines, at);
    if (!isBlank) imports.push(lines.slice(at, end).join('\n'));
    at = end;
  }
  return { imports: [], body: code };
}

/** The line after the import that begins at `first`, which goes on while a bracket is open or a backslash says so. */
function afterImport(lines: readonly string[], first: number): number {
  let open = 0;
  for (let at = first; at < lines.length; at++) {
    const code = lines[at]!.replace(/(['"]).*?\1|\/\/.*|#.*/g, '');
    open += code.replace(/[^([{]/g, '').length - code.replace(/[^)\]}]/g, '').length;
    if (open <= 0 && !code.trimEnd().endsWith('\\')) return at + 1;
  }
  return first + 1;
}

/** Without definitions that the file has elsewhere: a model asked for one function may repeat its neighbours. */
function ownBlock(body: string, lines: readonly string[], region: Region): string {
  const outside = new Set(
    lines.flatMap((line, index) => {
      const name = index < region.first || index > region.last ? definedName(line) : null;
      return name === null || /^\s/.test(line) ? [] : [name];
    }),
  );
  // Before each line that begins something at the top level, what stands above it as decorator or comment included.
  const chunks = body.split(/(?<!(?:^|\n)[@#/*][^\n]*)\n(?=[^\s)}\]])/);
  const kept = chunks.filter(chunk => {
    const name = definedName(chunk.split('\n', 1)[0]!);
    return name === null || !outside.has(name);
  });
  return kept.length === 0 ? body : trimBlankLines(kept.join('\n'));
}

const headerLines = (lines: readonly string[]): number =>
  Math.max(
    0,
    lines.findIndex(line => line.trim() !== '' && !/^\s*(?:\/\/|#|\/\*|\*)/.test(line)),
  );

const withFinalNewline = (text: string, code: string): string =>
  text.endsWith('\n') || text === '' ? `${code.replace(/\n+$/, '')}\n` : code.replace(/\n+$/, '');

function trimBlankLines(text: string): string {
  return text.replace(/^(?:[ \t]*\n)+/, '').replace(/\s+$/, '');
}

/** The one replacement that turns `before` into `after`, as small as a common start and end allow. */
export function replacementBetween(
  before: string,
  after: string,
): { start: number; end: number; text: string } {
  let start = 0;
  const most = Math.min(before.length, after.length);
  while (start < most && before[start] === after[start]) start++;
  let tail = 0;
  while (tail < most - start && before[before.length - 1 - tail] === after[after.length - 1 - tail]) tail++;
  // Between the two halves of a character or of a line end nothing can be replaced.
  if (start > 0 && isHalf(before, start)) start--;
  if (tail > 0 && isHalf(before, before.length - tail)) tail--;
  return { start, end: before.length - tail, text: after.slice(start, after.length - tail) };
}

const isHalf = (text: string, at: number): boolean =>
  /[\uDC00-\uDFFF]/.test(text[at] ?? '') || (text[at] === '\n' && text[at - 1] === '\r');
