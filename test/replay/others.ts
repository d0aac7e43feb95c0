/**
 * Other files that the model is shown while one is typed, chosen as in the editor (src/host/completion-context.ts): what the
 * file imports, and the most similar parts of its neighbours, as if they were open in tabs. There is no language server.
 */
import { posix } from 'node:path';
import type { Clock } from '../../src/base/clock.ts';
import type { ContextFile } from '../../src/completion/context/context-file.ts';
import { ContextList, type FoundPiece, gather } from '../../src/completion/context/gather.ts';
import { counterparts, importedPaths } from '../../src/completion/context/related.ts';
import { mostSimilarPart, wordsNear } from '../../src/completion/context/similar.ts';
import type { Cursor } from '../../src/completion/cursor.ts';

/** Most people have few open. */
const TABS = 6;
/** As in the editor: imports that are looked up, and that are taken. */
const LOOKED_UP = 16;
const IMPORTS = 6;

export class Others {
  readonly #path: string;
  readonly #texts: ReadonlyMap<string, string>;
  readonly #tabs: readonly string[];
  readonly #clock: Clock;
  readonly #list = new ContextList();

  /** `files`: of the same package as `path`, in the order of their names. */
  constructor(path: string, files: readonly ContextFile[], clock: Clock) {
    this.#path = path;
    this.#texts = new Map(files.map(file => [file.path, file.text]));
    this.#tabs = nearest(path, [...this.#texts.keys()]).slice(0, TABS);
    this.#clock = clock;
  }

  /** Pieces for a cursor in a document that is `text` now, in an order that stays. */
  async filesFor(text: string, cursor: Cursor, budgetChars: number): Promise<readonly ContextFile[]> {
    if (budgetChars === 0) return [];
    const wanted = wordsNear(cursor.before);
    const sources = [this.#related(text, wanted), this.#open(wanted)].map(pieces => ({
      find: async () => pieces,
    }));
    return this.#list.choose(await gather(sources, this.#clock), budgetChars);
  }

  #related(text: string, wanted: ReadonlySet<string>): FoundPiece[] {
    const firstOf = (paths: readonly string[]) => paths.filter(path => this.#texts.has(path)).slice(0, 1);
    const imported = importedPaths(this.#path, text).slice(0, LOOKED_UP).flatMap(firstOf);
    const paths = [...imported.slice(0, IMPORTS), ...firstOf(counterparts(this.#path))];
    return paths.flatMap(path => this.#part(path, wanted));
  }

  #open(wanted: ReadonlySet<string>): FoundPiece[] {
    const parts = this.#tabs.flatMap(path => this.#part(path, wanted));
    return parts.sort((a, b) => b.score - a.score);
  }

  #part(path: string, wanted: ReadonlySet<string>): (FoundPiece & { score: number })[] {
    const whole = this.#texts.get(path)!;
    const part = mostSimilarPart(whole, wanted);
    return part ? [{ path, whole, ...part }] : [];
  }
}

/** By folders between them, then by the order of their names. */
function nearest(path: string, paths: readonly string[]): string[] {
  const place = paths.filter(other => other < path).length;
  const foldersTo = (other: string) => posix.relative(posix.dirname(path), other).split('/').length;
  return paths
    .map((other, i) => ({ other, folders: foldersTo(other), names: Math.abs(i - place + 0.5) }))
    .sort((a, b) => a.folders - b.folders || a.names - b.names)
    .map(({ other }) => other);
}
