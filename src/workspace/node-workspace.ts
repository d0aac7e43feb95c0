/** Reading and searching the files of the workspace from disk. */
import { createHash } from 'node:crypto';
import { lstat, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import picomatch from 'picomatch';
import { looksSecret, normalisePath } from '../agent/paths.ts';
import type { DirectoryEntry, GrepHit, GrepQuery, TextFile, WorkspacePort } from '../agent/ports.ts';
import { cancelled, MoebiusError } from '../base/errors.ts';
import { decodeText } from './encoding.ts';
import { openFile, type ResolvedPath, type WorkspaceFolders } from './folders.ts';
import { gitRisk } from './git-risk.ts';
import { lineSearch } from './grep.ts';
import { refuseSecret } from './guards.ts';
import { PathRules } from './path-rules.ts';
import { type WalkedEntry, walk } from './walk.ts';

/** A text larger than this is data; it is searched with other means than a language model. */
export const MAX_FILE_BYTES = 4 * 1024 * 1024;
const MAX_GLOB_CHARS = 500;
/** Each more multiplies the time for a name that does not match by its length. */
const MAX_STARS = 3;
const MAX_GLOBSTARS = 3;
/** `{a,b}`: each more doubles it. */
const MAX_CHOICES = 4;

interface WalkOptions {
  maxDepth?: number;
  signal?: AbortSignal | undefined;
}

export class NodeWorkspace implements WorkspacePort {
  readonly #folders: WorkspaceFolders;

  constructor(folders: WorkspaceFolders) {
    this.#folders = folders;
  }

  async read(path: string, signal?: AbortSignal): Promise<TextFile> {
    if (signal?.aborted) throw cancelled();
    const resolved = await this.#folders.resolve(path);
    refuseSecret(this.#folders, resolved);
    const { bytes } = await readBytes(resolved);
    return { path: resolved.path, text: decodeText(bytes, resolved.path).text, version: versionOf(bytes) };
  }

  async list(path: string, options: { recursive: boolean; limit: number }): Promise<DirectoryEntry[]> {
    const normal = normalisePath(path);
    if (!this.#folders.isSingle && normal === '') {
      return this.#folders.names.map(name => ({ path: name, kind: 'directory', sizeBytes: null }));
    }
    const folder = await this.#folders.resolve(path);
    if (!folder.exists) throw new MoebiusError('not-found', `${folder.path || 'The folder'} does not exist.`);
    if (!(await lstat(folder.real)).isDirectory()) {
      throw new MoebiusError(
        'bad-request',
        `${folder.path} is a file, not a folder. Read it in place of listing it.`,
      );
    }
    const entries: DirectoryEntry[] = [];
    for await (const entry of this.#walk(folder, options.recursive ? {} : { maxDepth: 0 })) {
      if (entries.length >= options.limit) break;
      const stats = entry.kind === 'file' ? await lstat(entry.absolute).catch(() => null) : null;
      entries.push({ path: entry.path, kind: entry.kind, sizeBytes: stats?.size ?? null });
    }
    return entries;
  }

  async find(glob: string, limit: number, signal?: AbortSignal): Promise<string[]> {
    const isMatch = matcher(glob);
    const found: string[] = [];
    for await (const { path, kind } of this.#files({ signal })) {
      if (found.length >= limit) break;
      if (kind !== 'directory' && isMatch(path)) found.push(path);
    }
    return found.sort();
  }

  async grep(query: GrepQuery, signal?: AbortSignal): Promise<GrepHit[]> {
    const search = lineSearch(query.pattern, query.isRegExp);
    const isMatch = query.include ? matcher(query.include) : () => true;
    const hits: GrepHit[] = [];
    for await (const { path, kind } of this.#files({ signal })) {
      if (hits.length >= query.limit) break;
      if (kind !== 'file' || looksSecret(path) || !isMatch(path)) continue;
      const text = await this.#textOf(path);
      if (text === null) continue;
      for (const [line, found] of search(text, query.limit - hits.length))
        hits.push({ path, line, text: found });
    }
    return hits;
  }

  async leadsAway(path: string): Promise<boolean> {
    const start = path.lastIndexOf('/') + 1;
    if (!/[*?[]/.test(path.slice(start))) return this.#isAway(path);
    const folder = path.slice(0, start);
    if (await this.#isAway(folder || '.')) return true;
    // Ignored links are links too.
    const { real } = await this.#folders.resolve(folder || '.');
    const entries = await readdir(real, { withFileTypes: true }).catch(() => []);
    for (const entry of entries)
      if (entry.isSymbolicLink() && (await this.#isAway(`${folder}${entry.name}`))) return true;
    return false;
  }

  async isIgnored(folder: string): Promise<boolean> {
    const { path, real } = await this.#folders.resolve(folder);
    // By either name: a link may lead into what is ignored.
    const verdicts = [path, this.#folders.toPath(real) ?? path].map(name => this.#isIgnoredAs(name));
    return (await Promise.all(verdicts)).includes(true);
  }

  gitRisk(folder: string, comparesFiles: boolean, signal?: AbortSignal): Promise<string | null> {
    return gitRisk(this.#folders, folder, comparesFiles, { signal });
  }

  async #isIgnoredAs(path: string): Promise<boolean> {
    const name = this.#folders.isSingle ? '' : path.split('/')[0]!;
    const below = name ? path.slice(name.length + 1) : path;
    if (below === '') return false;
    const root = await this.#folders.resolve(name || '.');
    return new PathRules(root.real, []).isIgnored(`${below}/`);
  }

  async #isAway(path: string): Promise<boolean> {
    try {
      const { path: named, real } = await this.#folders.resolve(path);
      return this.#folders.pathsTo(real).some(own => own !== named && looksSecret(own));
    } catch (error) {
      return error instanceof MoebiusError && error.code === 'refused';
    }
  }

  /** null: not a text that can be read. */
  async #textOf(path: string): Promise<string | null> {
    try {
      const { bytes } = await readBytes(await this.#folders.resolve(path));
      return decodeText(bytes, path).text;
    } catch (error) {
      if (error instanceof MoebiusError) return null;
      throw error;
    }
  }

  async *#files(options: WalkOptions): AsyncGenerator<WalkedEntry> {
    if (this.#folders.isSingle) return yield* this.#walk(await this.#folders.resolve('.'), options);
    for (const name of this.#folders.names) yield* this.#walk(await this.#folders.resolve(name), options);
  }

  /** Entries below a folder, with the paths by which the agent knows them. */
  async *#walk(folder: ResolvedPath, options: WalkOptions): AsyncGenerator<WalkedEntry> {
    const name = this.#folders.isSingle ? '' : folder.path.split('/')[0]!;
    const root = (await this.#folders.resolve(name || '.')).real;
    const below = name ? folder.path.slice(name.length + 1) : folder.path;
    // A folder that is a link into the workspace is walked where it really is, under the name it was asked by.
    const isLink = join(root, below) !== folder.real;
    const entries = isLink ? walk(folder.real, options) : walk(root, { ...options, below });
    const prefix = isLink ? folder.path : name;
    for await (const entry of entries)
      yield { ...entry, path: prefix ? `${prefix}/${entry.path}` : entry.path };
  }
}

function matcher(glob: string): (path: string) => boolean {
  if (!glob || glob.length > MAX_GLOB_CHARS) {
    throw new MoebiusError('bad-request', `A glob has 1 to ${MAX_GLOB_CHARS} characters, e.g. src/**/*.ts.`);
  }
  // Parentheses and the like are regular expressions by another name, with their run times; and part of names: `(app)/+page.ts`.
  const pattern = glob
    .replace(/^\.?\//, '')
    .replace(/\\.|[()+@|]/gs, one => (one.length > 1 ? one : `\\${one}`));
  const plain = pattern.replace(/\\./gs, 'x');
  if (/\[/.test(plain) && /\{/.test(plain))
    throw new MoebiusError('bad-request', 'A glob has [] or {}, not both. Use a simpler one.');
  const stars = starsIn(withoutChoices(plain, part => '?*'.repeat(starsIn(part))));
  const globstars = globstarsIn(withoutChoices(plain, part => '?**'.repeat(globstarsIn(part))));
  if (stars > MAX_STARS || globstars > MAX_GLOBSTARS) {
    throw new MoebiusError(
      'bad-request',
      `A glob has at most ${MAX_STARS} stars in one name and ** at most ${MAX_GLOBSTARS} times. Use a simpler one.`,
    );
  }
  const anywhere = pattern.includes('/') ? pattern : `**/${pattern}`;
  return picomatch(anywhere, { dot: true, noextglob: true });
}

const globstarsIn = (pattern: string): number => pattern.split('**').length - 1;

/** The most of one name. */
const starsIn = (pattern: string): number =>
  Math.max(...pattern.split('/').map(name => (name === '**' ? 0 : (name.match(/\*+/g)?.length ?? 0))));

/** With one text for `{a*,b}`, the longest that `countedIn` gives for its parts. */
function withoutChoices(pattern: string, countedIn: (part: string) => string): string {
  let text = pattern;
  for (let count = 0; ; count++) {
    const next = text.replace(/\{([^{}]*)\}/, (_, parts: string) => {
      const counted = parts.split(',').map(countedIn);
      return `${counted.reduce((most, one) => (one.length > most.length ? one : most))}?`;
    });
    if (next === text) return text;
    if (count === MAX_CHOICES)
      throw new MoebiusError(
        'bad-request',
        `A glob has at most ${MAX_CHOICES} times braces. Use a simpler one.`,
      );
    text = next;
  }
}

/** What tells one state of a file from another. */
export const versionOf = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

export interface StoredFile {
  bytes: Buffer;
  /** Permissions, without the kind of file. */
  mode: number;
}

/** @throws MoebiusError for what is missing, too large, or no longer what was resolved. */
export async function readBytes(resolved: ResolvedPath): Promise<StoredFile> {
  const { handle, stats } = await openFile(resolved);
  try {
    if (stats.size > MAX_FILE_BYTES) {
      const mebibytes = (stats.size / 1024 / 1024).toFixed(1);
      throw new MoebiusError(
        'refused',
        `${resolved.path} has ${mebibytes} MiB, which is too large to read. Search in it.`,
      );
    }
    return { bytes: await handle.readFile(), mode: stats.mode & 0o7777 };
  } finally {
    await handle.close();
  }
}
