/** Which files belong to the workspace: paths of the agent to real ones and back. Links are followed here, and only here. */
import type { Stats } from 'node:fs';
import { constants } from 'node:fs';
import { type FileHandle, lstat, open, readlink, realpath } from 'node:fs/promises';
import { basename, dirname, isAbsolute, join, relative, resolve, sep } from 'node:path';
import { normalisePath } from '../agent/paths.ts';
import { MoebiusError } from '../base/errors.ts';

export interface ResolvedPath {
  /** As the agent names it, normalised. */
  path: string;
  /** Without any link in it. Inside a folder of the workspace when it was resolved. */
  real: string;
  /** The same below the folder as it was opened, which may be a link: the name by which an editor knows it. */
  opened: string;
  exists: boolean;
}

interface Folder {
  /** Without any link in it: what is inside is told by this one. */
  real: string;
  /** As it was opened. */
  opened: string;
}

export class WorkspaceFolders {
  /** By name. With one folder the name is not part of paths. */
  readonly #folders: ReadonlyMap<string, Folder>;
  /** Innermost first. A folder that was opened through a link has two paths. */
  readonly #places: readonly { name: string; root: string }[];

  private constructor(folders: ReadonlyMap<string, Folder>) {
    this.#folders = folders;
    const named = (which: keyof Folder) =>
      [...folders].map(([name, folder]) => ({ name, root: folder[which] }));
    // Of the folders that hold a file, the one with the longest path lies in the others.
    this.#places = [...named('real'), ...named('opened')].sort((a, b) => b.root.length - a.root.length);
  }

  /**
   * `names`: by which the user knows the folders, where they are not those on disk.
   * @throws MoebiusError `not-found` for a folder that is not there.
   */
  static async open(paths: readonly string[], names: readonly string[] = []): Promise<WorkspaceFolders> {
    const folders: Folder[] = [];
    for (const path of paths) {
      const real = await realpath(path).catch(() => {
        throw new MoebiusError('not-found', `The workspace folder ${path} does not exist.`);
      });
      folders.push({ real, opened: resolve(path) });
    }
    const known = folderNames(folders.map(({ real }, index) => names[index] ?? basename(real)));
    return new WorkspaceFolders(new Map(folders.map((folder, index) => [known[index]!, folder])));
  }

  get names(): string[] {
    return [...this.#folders.keys()];
  }
  get isSingle(): boolean {
    return this.#folders.size === 1;
  }

  /** What paths into each folder begin with; '' if there is only one. */
  get roots(): string[] {
    return this.isSingle ? [''] : this.names.map(name => `${name}/`);
  }

  /**
   * @throws MoebiusError `refused` for a path that is, or leads through a link, outside.
   */
  async resolve(path: string): Promise<ResolvedPath> {
    const inside = normalisePath(isAbsolute(path) ? (this.toPath(path) ?? path) : path);
    const { folder, rest } = this.#split(inside);
    const { real, exists } = await realOf(join(folder.real, rest));
    const owner = [folder, ...this.#folders.values()].find(one => isInside(one.real, real));
    if (!owner) throw new MoebiusError('refused', `${inside} leads out of the workspace through a link.`);
    return { path: inside, real, opened: join(owner.opened, relative(owner.real, real)), exists };
  }

  /**
   * The path by which the agent knows a file; null for one outside. Where a folder of the workspace lies in another, it is that of
   * the inner one, as in the editor. Links below the folder are not followed.
   */
  toPath(absolute: string): string | null {
    return this.pathsTo(absolute)[0] ?? null;
  }

  /** All paths by which a file can be named: one for each folder that it lies in, innermost first. */
  pathsTo(absolute: string): string[] {
    const full = resolve(absolute);
    return this.#places
      .filter(({ root }) => isInside(root, full))
      .map(({ name, root }) => {
        const rest = relative(root, full).split(sep).join('/');
        return this.isSingle ? rest : rest ? `${name}/${rest}` : name;
      });
  }

  #split(path: string): { folder: Folder; rest: string } {
    if (this.isSingle) return { folder: [...this.#folders.values()][0]!, rest: path };
    const [name = '', ...rest] = path.split('/');
    const folder = this.#folders.get(name);
    if (folder) return { folder, rest: rest.join('/') };
    const names = this.names.join(', ');
    throw new MoebiusError(
      'refused',
      `Paths here begin with the name of a folder of the workspace: ${names}.`,
    );
  }
}

/** As the first part of a path: one part, and each another. */
export function folderNames(names: readonly string[]): string[] {
  const unique: string[] = [];
  for (const name of names) {
    const plain = name.replace(/[\\/:\p{Cc}\p{Cf}]/gu, '-').replace(/^~+|[. ]+$/g, '') || 'root';
    let one = plain;
    for (let count = 2; unique.includes(one); count++) one = `${plain}-${count}`;
    unique.push(one);
  }
  return unique;
}

/** Not `startsWith`: `/a/bc` is not inside `/a/b`. */
export function isInside(folder: string, path: string): boolean {
  const rest = relative(folder, path);
  return rest === '' || (!isAbsolute(rest) && rest !== '..' && !rest.startsWith(`..${sep}`));
}

/** The real path of what is there, or of the nearest folder that is, with the rest after it. */
async function realOf(path: string): Promise<{ real: string; exists: boolean }> {
  try {
    return { real: await realpath(path), exists: true };
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ELOOP') throw new MoebiusError('refused', `${path} is a link that leads to itself.`);
    if (code === 'ENAMETOOLONG') throw new MoebiusError('refused', 'The path is too long.');
    if (code === 'ENOTDIR') throw new MoebiusError('not-found', `A part of ${path} is a file, not a folder.`);
    if (code !== 'ENOENT') throw error;
  }
  // A link whose target is missing: creating "the file" would create the target, wherever it is.
  const link = await lstat(path).catch(() => null);
  if (link?.isSymbolicLink()) {
    throw new MoebiusError('refused', `${path} is a link to something that does not exist.`);
  }
  const parent = dirname(path);
  if (parent === path) return { real: path, exists: false };
  const { real } = await realOf(parent);
  return { real: join(real, basename(path)), exists: false };
}

/**
 * Opens a resolved file for reading and makes sure that it is still that one: a folder on the way may have become a link since it
 * was resolved. Pipes and devices are refused without waiting for them.
 */
export async function openFile({ path, real }: ResolvedPath): Promise<{ handle: FileHandle; stats: Stats }> {
  let handle: FileHandle;
  try {
    handle = await open(real, constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0));
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT') throw new MoebiusError('not-found', `${path} does not exist.`);
    if (code === 'ELOOP') throw moved(path);
    throw new MoebiusError('refused', `${path} can't be read: ${message}`);
  }
  try {
    const stats = await handle.stat();
    if (stats.isDirectory()) throw new MoebiusError('bad-request', `${path} is a folder.`);
    if (!stats.isFile()) throw new MoebiusError('refused', `${path} is a device or a pipe, not a file.`);
    const now = await lstat(real).catch(() => null);
    const isSame = now?.ino === stats.ino && now.dev === stats.dev;
    if (!isSame || (await realpath(real)) !== real) throw moved(path);
    return { handle, stats };
  } catch (error) {
    await handle.close();
    throw error;
  }
}

/**
 * Runs `work` with a name for a resolved folder that stays that folder even if its path becomes another one meanwhile: on Linux
 * through the open descriptor, elsewhere by looking again. @throws MoebiusError `refused` if it has changed already.
 */
export async function inFolder<T>(real: string, work: (folder: string) => Promise<T>): Promise<T> {
  const flags = constants.O_RDONLY | (constants.O_DIRECTORY ?? 0) | (constants.O_NOFOLLOW ?? 0);
  if (process.platform !== 'linux') {
    if ((await realpath(real)) !== real) throw moved(real);
    return work(real);
  }
  const handle = await open(real, flags).catch((error: NodeJS.ErrnoException) => {
    throw error.code === 'ELOOP' || error.code === 'ENOTDIR' ? moved(real) : error;
  });
  try {
    const stable = `/proc/self/fd/${handle.fd}`;
    const opened = await readlink(stable).catch(() => null);
    // Without /proc the path is looked at again, as elsewhere.
    if ((opened ?? (await realpath(real))) !== real) throw moved(real);
    return await work(opened === null ? real : stable);
  } finally {
    await handle.close();
  }
}

const moved = (path: string): MoebiusError =>
  new MoebiusError('refused', `${path} was replaced while it was used. Nothing was done with it.`);
