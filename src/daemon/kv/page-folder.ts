/**
 * The saved pages of one model: a tree, since conversations begin alike. A page's key is made of its parent's, so that it
 * names everything before it; prompts that share a beginning share its pages, and a conversation that goes on adds the
 * rows that are new. Several processes may use the folder: files are written whole and never changed, one that is gone
 * is no error, and the same rows have the same name.
 */
import { mkdir, readdir, rm, stat, utimes } from 'node:fs/promises';
import { join } from 'node:path';
import { MoebiusError, toMoebiusError } from '../../base/errors.ts';
import { type FoundKv, KV_PAGE_ROWS, type KvPage, type SavedKv } from '../../engine/kv-pages.ts';
import type { CachedRows } from '../../engine/read-plan.ts';
import { EXPERTS_FILE, KV_FILE, trimKvFiles } from '../../models/kv-files.ts';
import { conversionKey, readManifest } from '../../models/manifest-file.ts';
import type { Store } from '../../models/store.ts';
import type { ModelSummary } from '../../protocol/daemon.ts';
import { type PageInfo, pageKey, readPage, readPageInfo, writePage } from './page-file.ts';

/** A file that is being written is younger. */
const ABANDONED_MS = 60_000;

interface Entry extends PageInfo {
  key: string;
}

/** Rows of a sequence that no page holds; they follow the page `parent`. */
export interface UnsavedRows {
  parent: string;
  from: number;
  to: number;
}

/**
 * The saved pages of `model`. `capBytes`: of all models' pages together; 0 removes what there is, and gives null. Throws
 * if the model can't be read.
 */
export async function openPageFolder(
  store: Store,
  model: Pick<ModelSummary, 'id' | 'variant' | 'path'>,
  capBytes: number,
): Promise<PageFolder | null> {
  if (capBytes === 0) {
    await store.removeKv();
    return null;
  }
  // Keys of first pages are made from it: the files that hold the weights decide what a row is.
  const root = conversionKey(await readManifest(model.path));
  const folder = store.kvFolder(model.id, model.variant);
  const pages = new PageFolder(store, folder, root, capBytes);
  await pages.refresh();
  return pages;
}

export class PageFolder implements SavedKv {
  readonly folder: string;
  readonly #store: Store;
  readonly #root: string;
  readonly #capBytes: number;
  readonly #entries = new Map<string, Entry>();

  constructor(store: Store, folder: string, root: string, capBytes: number) {
    this.#store = store;
    this.folder = folder;
    this.#root = root;
    this.#capBytes = capBytes;
  }

  /** Learns what was written or removed since, by whomever. Removes what is no page of this model as it is now. */
  async refresh(): Promise<void> {
    const names = await readdir(this.folder).catch(() => []);
    const keys = new Set(names.filter(name => KV_FILE.test(name)).map(name => name.slice(0, 64)));
    for (const key of this.#entries.keys()) if (!keys.has(key)) this.#entries.delete(key);
    for (const key of keys) if (!this.#entries.has(key)) await this.#learn(key);
    for (const { key, parent } of [...this.#entries.values()])
      if (await this.#isOrphan(parent)) await this.#remove(key);
    for (const name of names) {
      if (!KV_FILE.test(name) && name !== EXPERTS_FILE) await this.#removeAbandoned(join(this.folder, name));
    }
  }

  async find(prompt: readonly number[], experts: (row: number) => number): Promise<FoundKv | null> {
    await this.refresh();
    const path = this.#longest(this.#root, 0, prompt, experts);
    if (path.length === 0) return null;
    await this.#touch(path.map(({ entry }) => entry.key));
    return { rows: path.reduce((sum, { rows }) => sum + rows, 0), pages: () => this.#read(path) };
  }

  /** Rows that are still to be saved, in the order in which they must be. */
  async unsaved({ tokens, experts }: CachedRows): Promise<UnsavedRows[]> {
    await this.refresh();
    const unsaved: UnsavedRows[] = [];
    const saved: string[] = [];
    let parent = this.#root;
    for (let from = 0; from < tokens.length; from += KV_PAGE_ROWS) {
      const to = Math.min(from + KV_PAGE_ROWS, tokens.length);
      const info = { parent, tokens: tokens.slice(from, to), experts: experts.slice(from, to) };
      const entry = this.#children(parent).find(child => beginsWith(child, info));
      if (entry) saved.push(entry.key);
      else unsaved.push({ parent, from, to });
      parent = pageKey(info);
    }
    await this.#touch(saved);
    return unsaved;
  }

  /**
   * Saves a page. The longest unused ones, of any model, go to make room, but not those before this one: throws `disk-full`
   * where it doesn't fit beside them (or on the disk), else the system's error.
   */
  async write(parent: string, page: KvPage): Promise<void> {
    const bytes = page.blocks.reduce((sum, { data }) => sum + data.byteLength, 0);
    const room = this.#capBytes - bytes;
    const left = await trimKvFiles(
      this.#store.kvHome,
      room,
      new Set(this.#keysUpTo(parent).map(key => this.#path(key))),
    );
    if (left > room) throw new MoebiusError('disk-full', 'This conversation takes more than may be saved.');
    await this.#store.requireFree(bytes, 'what the model has read');
    await mkdir(this.folder, { recursive: true, mode: 0o700 });
    const info = { parent, tokens: page.tokens, experts: page.experts };
    const key = pageKey(info);
    await writePage(this.#path(key), parent, page);
    const shorter = this.#children(parent).filter(child => beginsWith(info, child));
    this.#entries.set(key, { ...info, key });
    for (const child of shorter) if (child.key !== key) await this.#remove(child.key);
    // What comes first in a conversation is used whenever what follows is, and so goes last.
    await this.#touch(this.#keysUpTo(key));
  }

  #children(parent: string): Entry[] {
    return [...this.#entries.values()].filter(entry => entry.parent === parent);
  }

  /** The page `key` and all before it, the first one first. */
  #keysUpTo(key: string): string[] {
    const keys: string[] = [];
    for (let entry = this.#entries.get(key); entry; entry = this.#entries.get(entry.parent))
      keys.unshift(entry.key);
    return keys;
  }

  /** Whether nothing leads to a page after `parent`: that was removed, or belongs to weights that are no more. */
  async #isOrphan(parent: string): Promise<boolean> {
    if (parent === this.#root || this.#entries.has(parent)) return false;
    return stat(this.#path(parent)).then(
      () => false,
      (error: NodeJS.ErrnoException) => error.code === 'ENOENT',
    );
  }

  /** Pages below `parent` that hold the most rows of the prompt from `at` on. */
  #longest(
    parent: string,
    at: number,
    prompt: readonly number[],
    experts: (row: number) => number,
  ): { entry: Entry; rows: number }[] {
    let best: { entry: Entry; rows: number }[] = [];
    let bestRows = 0;
    for (const entry of this.#children(parent)) {
      const isGood = (i: number) =>
        entry.tokens[i] === prompt[at + i] && entry.experts[i]! >= experts(at + i);
      let rows = 0;
      while (rows < entry.tokens.length && at + rows < prompt.length && isGood(rows)) rows++;
      if (rows === 0) continue;
      const further = rows === KV_PAGE_ROWS ? this.#longest(entry.key, at + rows, prompt, experts) : [];
      const total = further.reduce((sum, page) => sum + page.rows, rows);
      if (total <= bestRows) continue;
      best = [{ entry, rows }, ...further];
      bestRows = total;
    }
    return best;
  }

  async *#read(path: readonly { entry: Entry }[]): AsyncGenerator<KvPage> {
    for (const { entry } of path) {
      const page = await this.#check(entry.key, readPage);
      if (!page) return;
      yield page;
    }
  }

  async #learn(key: string): Promise<void> {
    const info = await this.#check(key, readPageInfo);
    if (info) this.#entries.set(key, { ...info, key });
  }

  /**
   * What `read` gives of the page `key`; null, and the page removed, if it is no such page. Only null if it can't be read:
   * another process may have just removed it, or the disk be away.
   */
  async #check<T extends PageInfo>(key: string, read: (path: string) => Promise<T>): Promise<T | null> {
    try {
      const page = await read(this.#path(key));
      if (pageKey(page) === key) return page;
    } catch (error) {
      if (toMoebiusError(error).code !== 'format-invalid') return null;
    }
    await this.#remove(key);
    return null;
  }

  async #remove(key: string): Promise<void> {
    this.#entries.delete(key);
    await rm(this.#path(key), { force: true }).catch(() => undefined);
  }

  async #removeAbandoned(path: string): Promise<void> {
    const found = await stat(path).catch(() => null);
    if (found?.isFile() && Date.now() - found.mtimeMs > ABANDONED_MS)
      await rm(path, { force: true }).catch(() => undefined);
  }

  /** Says that these pages, each the next one's parent, were used now: the last a little earlier, so that it goes first. */
  async #touch(keys: readonly string[]): Promise<void> {
    const now = Date.now();
    await Promise.all(
      keys.map((key, depth) => {
        const time = new Date(now - 1000 * depth);
        return utimes(this.#path(key), time, time).catch(() => undefined);
      }),
    );
  }

  #path(key: string): string {
    return join(this.folder, `${key}.kv`);
  }
}

function beginsWith(long: CachedRows, short: CachedRows): boolean {
  return short.tokens.every((token, i) => token === long.tokens[i] && short.experts[i] === long.experts[i]);
}
