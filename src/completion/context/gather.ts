/**
 * What a completion is told of other files, within a time and a number of characters. The order is kept from one time to
 * the next and new pieces come last, because the engine reuses the longest beginning that two prompts have in common.
 */
import type { Clock } from '../../base/clock.ts';
import type { ContextFile } from './context-file.ts';
import { isUnfit } from './unfit.ts';

/** A piece, and all that the file says: a prompt may hold no piece of some files. */
export interface FoundPiece extends ContextFile {
  whole: string;
}
/** A source of pieces, the most telling first. Rejecting is the same as finding nothing. */
export interface ContextSource {
  find(signal: AbortSignal): Promise<readonly FoundPiece[]>;
}

/** Sources that take longer are left out this time: the language server may be busy. */
const SOURCE_MS = 150;
/** A piece must leave room for others; it is cut to its first lines for that, if something is left. */
const LARGEST_SHARE = 0.5;
const LEAST_CHARS = 200;

/** The pieces of all sources, a source's in its own order, with `\n` line ends and without those that no prompt may hold. */
export async function gather(sources: readonly ContextSource[], clock: Clock): Promise<ContextFile[]> {
  const found = await Promise.all(sources.map(source => inTime(source, clock)));
  const seen = new Set<string>();
  return found.flat().flatMap(({ path, text: own, whole }) => {
    const text = own.replace(/\r\n?/g, '\n');
    const key = `${path}\n${text}`;
    if (seen.has(key) || text.trim() === '' || isUnfit(path, whole, text)) return [];
    seen.add(key);
    return [{ path, text }];
  });
}

async function inTime(source: ContextSource, clock: Clock): Promise<readonly FoundPiece[]> {
  const abort = new AbortController();
  return new Promise(resolve => {
    const timer = clock.after(SOURCE_MS, () => {
      abort.abort();
      resolve([]);
    });
    const end = (files: readonly FoundPiece[]) => {
      timer.dispose();
      resolve(files);
    };
    source.find(abort.signal).then(end, () => end([]));
  });
}

/** The pieces of one document's prompts, from one time to the next. */
export class ContextList {
  private files: readonly ContextFile[] = [];

  /**
   * The pieces to show: what was shown before stays where it is while it is still found, and others follow it, as far as
   * `budgetChars` goes. Begins anew, the most telling piece last, when less than half of what was shown is of use.
   */
  choose(found: readonly ContextFile[], budgetChars: number): readonly ContextFile[] {
    const isFound = (file: ContextFile) => found.some(other => isPartOf(file, other));
    const used = this.files.findIndex(file => !isFound(file));
    const kept = used < 0 ? this.files : this.files.slice(0, used);
    const isWorthKeeping = kept.length * 2 >= this.files.length && sizeOf(kept) <= budgetChars;
    const start = isWorthKeeping ? kept : [];
    const added: ContextFile[] = [];
    let left = budgetChars - sizeOf(start);
    for (const file of found) {
      if (start.some(other => isPartOf(other, file))) continue;
      const piece = firstLines(file, Math.min(left, budgetChars * LARGEST_SHARE) - file.path.length);
      if (!piece) continue;
      added.unshift(piece);
      left -= sizeOf([piece]);
    }
    this.files = [...start, ...added];
    return this.files;
  }
}

/** `piece` is what was taken of `file`. */
const isPartOf = (piece: ContextFile, file: ContextFile): boolean =>
  piece.path === file.path && file.text.startsWith(piece.text);

/** As many whole lines as fit; null where that is next to nothing. */
function firstLines({ path, text }: ContextFile, chars: number): ContextFile | null {
  if (text.length <= chars) return { path, text };
  const end = chars < LEAST_CHARS ? -1 : text.lastIndexOf('\n', chars);
  return end < LEAST_CHARS ? null : { path, text: text.slice(0, end) };
}

const sizeOf = (files: readonly ContextFile[]): number =>
  files.reduce((sum, { path, text }) => sum + path.length + text.length, 0);
