/**
 * What speaks against git reading in a folder unasked. It obeys the configuration of the repository there, which an archive may bring
 * along. Which repository that is, and what it has, git itself is asked: nothing is read here in another way than git reads it.
 */
import { isUtf8 } from 'node:buffer';
import { lstat, readdir, readFile, realpath } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { isInside, type WorkspaceFolders } from './folders.ts';
import { unusualVariable } from './git-config.ts';
import { askGit } from './process.ts';

/** In one repository, those in them included. */
const MAX_REPOSITORIES = 300;
/** Exit code of git where there is no repository. */
const GIT_FAILED = 128;
/** Of a git folder: others' repositories, large files, and what git runs only when it writes. */
const NOT_SEARCHED = new Set(['modules', 'worktrees', 'lfs', 'hooks']);

interface Repository {
  /** Where its files are. */
  tree: string;
  /** The git folder, and the one that it shares with other work trees. */
  own: string;
  common: string;
  /** Of its configuration. */
  keys: string[];
}

/** null: nothing. @param comparesFiles that it compares two files where there is no repository */
export async function gitRisk(
  folders: WorkspaceFolders,
  folder: string,
  comparesFiles: boolean,
): Promise<string | null> {
  try {
    const { real } = await folders.resolve(folder || '.');
    if (await isOutsideOfAny(real))
      return comparesFiles ? 'git compares any files here, since there is no repository' : null;
    const repository = await repositoryAt(real);
    return (await placeRisk(repository, real, folders)) ?? (await configRisk(repository, real));
  } catch {
    return 'git does not say which repository it would read here';
  }
}

/** Whether git finds no repository for a folder, also none without a `.git` and none that the environment names. */
async function isOutsideOfAny(folder: string): Promise<boolean> {
  if ((await nearestTree(folder)) !== null) return false;
  return askGit(folder, 'rev-parse', '--git-dir').then(
    () => false,
    (error: { code?: unknown }) => error.code === GIT_FAILED,
  );
}

async function repositoryAt(folder: string): Promise<Repository> {
  const said = await askGit(folder, 'rev-parse', '--absolute-git-dir', '--git-common-dir', '--show-toplevel');
  const paths = said.split('\n').map(utf8);
  // A path with a line break makes more of them.
  if (paths.length !== 4) throw new Error('This is not three paths.');
  const [own, common, tree] = await Promise.all(
    paths.slice(0, 3).map(path => realpath(resolve(folder, path))),
  );
  return { tree: tree!, own: own!, common: common!, keys: await keysOf(folder) };
}

/** Whether what git reads is the user's here, and not brought here from elsewhere by a link or a configuration. */
async function placeRisk(
  repository: Repository,
  folder: string,
  folders: WorkspaceFolders,
): Promise<string | null> {
  const { tree, own, common } = repository;
  if (tree !== (await nearestTree(folder))) return 'this repository has its files in another folder';
  const isHere = [own, common].every(path => isInside(tree, path) || folders.toPath(path) !== null);
  if (!isHere && !(await linksBack(repository))) return 'the git folder of this repository is elsewhere';
  const alternates = await lstat(join(common, 'objects/info/alternates')).catch(() => null);
  if (alternates || (await holdsLink(common, NOT_SEARCHED)) || (await holdsLink(own, NOT_SEARCHED)))
    return 'this repository takes files from another one';
  return null;
}

/** The folder at or above this one that git takes for the top of a repository. */
async function nearestTree(folder: string): Promise<string | null> {
  if (await exists(join(folder, '.git'))) return folder;
  return folder === dirname(folder) ? null : nearestTree(dirname(folder));
}

/** A git folder elsewhere says that this tree is one of its: a further work tree, or a submodule. No archive has written there. */
async function linksBack({ tree, own, common, keys }: Repository): Promise<boolean> {
  if (own === common) return keys.includes('core.worktree');
  if (dirname(own) !== join(common, 'worktrees')) return false;
  const back = resolve(own, (await readFile(join(own, 'gitdir'), 'utf8')).replace(/\n$/, ''));
  return basename(back) === '.git' && (await realpath(dirname(back))) === tree;
}

/** git puts none there, and what is read through one may be anybody's. */
async function holdsLink(folder: string, skipped?: ReadonlySet<string>): Promise<boolean> {
  const entries = await readdir(folder, { withFileTypes: true });
  if (entries.some(entry => entry.isSymbolicLink())) return true;
  const inner = entries.filter(entry => entry.isDirectory() && !skipped?.has(entry.name));
  return (await Promise.all(inner.map(({ name }) => holdsLink(join(folder, name))))).includes(true);
}

/** Of the repository, and of those in its index: git enters them to see whether they have changed. */
async function configRisk({ tree, keys }: Repository, folder: string): Promise<string | null> {
  const unusual = unusualVariable(keys);
  if (unusual) return described(unusual);
  const found = await repositoriesIn(tree, folder);
  // The list grows while it is gone through.
  for (const one of found) {
    if (found.length > MAX_REPOSITORIES) return 'this repository has too many others in it';
    if (!(await exists(join(one, '.git')))) continue;
    // As git enters it.
    const inside = unusualVariable(await keysOf(one, '--git-dir=.git'));
    if (inside) return described(inside);
    found.push(...(await repositoriesIn(one, one, '--git-dir=.git')));
  }
  return null;
}

const described = (variable: string): string =>
  `the configuration of this repository has ${variable}, with which git may do more than read`;

/** Of the configuration of the repository itself: that of the user and of the computer is theirs. */
async function keysOf(folder: string, ...options: string[]): Promise<string[]> {
  const said = await askGit(folder, ...options, 'config', '--list', '--show-scope', '--name-only', '-z');
  const parts = said.split('\0');
  return parts.filter((_, index) => index % 2 && !/^(system|global|command)$/.test(parts[index - 1]!));
}

/** What the index has as repositories, submodules or not. Called when the configuration is known, since it may have objects fetched. */
async function repositoriesIn(tree: string, folder: string, ...options: string[]): Promise<string[]> {
  const entries = await askGit(folder, ...options, 'ls-files', '--stage', '--full-name', '-z', ':/');
  return entries
    .split('\0')
    .filter(entry => entry.startsWith('160000 '))
    .map(entry => join(tree, utf8(entry.slice(entry.indexOf('\t') + 1))));
}

const exists = (path: string): Promise<boolean> =>
  lstat(path).then(
    () => true,
    (error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT' || error.code === 'ENOTDIR') return false;
      throw error;
    },
  );

/** Of one character a byte. */
function utf8(text: string): string {
  const bytes = Buffer.from(text, 'latin1');
  if (!isUtf8(bytes)) throw new Error('This is not a path that can be told.');
  return bytes.toString();
}
