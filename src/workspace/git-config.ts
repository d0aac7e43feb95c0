/** The configurations that git may obey in a folder of the workspace: of the repositories there and above it, and of those inside them. */
import { readFile, realpath, stat } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { normalisePath } from '../agent/paths.ts';
import { MoebiusError } from '../base/errors.ts';
import type { WorkspaceFolders } from './folders.ts';
import { repositoriesIn } from './git-index.ts';

const MAX_CONFIG_BYTES = 1024 * 1024;
/** Of a million files. */
const MAX_INDEX_BYTES = 128 * 1024 * 1024;
/** In one repository, those in them included. */
const MAX_REPOSITORIES = 1000;

/** @throws MoebiusError `refused` for a folder outside, and for what is not as git leaves it */
export async function readGitConfig(folders: WorkspaceFolders, folder: string): Promise<string> {
  const parts = normalisePath(folder).split('/').filter(Boolean);
  const trees: string[] = [];
  // In a workspace of several folders the first part names one of them.
  for (let depth = folders.isSingle ? 0 : 1; depth <= parts.length; depth++) {
    const { real } = await folders.resolve(parts.slice(0, depth).join('/') || '.');
    trees.push(real);
  }
  // The workspace may be a folder of a repository, and what looks like one here need not be one for git.
  let [above] = trees;
  while (above && above !== dirname(above)) {
    above = dirname(above);
    trees.push(above);
  }
  return (await Promise.all(trees.map(configsOf))).flat().join('\n');
}

/** Of the repository whose work tree this folder is, and of those that git enters from there; none if it is none. */
async function configsOf(tree: string): Promise<string[]> {
  const texts: string[] = [];
  const trees = [tree];
  // The list grows while it is gone through.
  for (const one of trees) {
    const found = await repositoryAt(one);
    if (!found) continue;
    texts.push(found.config);
    trees.push(...found.inside.map(path => join(one, path)));
    if (trees.length > MAX_REPOSITORIES) throw refusal(`${tree} has too many repositories in it.`);
  }
  return texts;
}

/** null: git sees none there. */
async function repositoryAt(tree: string): Promise<{ config: string; inside: string[] } | null> {
  const git = join(tree, '.git');
  const stats = await stat(git).catch(() => null);
  if (!stats) return null;
  // A file, of a further work tree or a submodule, says where the folder is.
  const target = stats.isFile() ? /^gitdir: (.*)$/m.exec(await textOf(git))?.[1] : undefined;
  const folder = target === undefined ? git : resolve(tree, target);
  const common = resolve(folder, (await textOf(join(folder, 'commondir'))).trim());
  const config = `${await textOf(join(common, 'config'))}\n${await textOf(join(folder, 'config.worktree'))}`;
  await checkTree(config, folder, tree);
  const index = await bytesOf(join(folder, 'index'), MAX_INDEX_BYTES);
  const isUsual = !/\bobjectformat\s*=(?!\s*sha1\s*$)/im.test(config);
  const inside = index && (isUsual ? repositoriesIn(index) : null);
  if (index && !inside) throw refusal(`${folder} has an index that can't be read.`);
  return { config, inside: inside ?? [] };
}

/** A configuration may put the work tree elsewhere: what git reads then is neither in this folder nor perhaps in the workspace. */
async function checkTree(config: string, folder: string, tree: string): Promise<void> {
  for (const [, path] of config.matchAll(/\bworktree\s*=\s*(.*)/gi)) {
    const [own, other] = await Promise.all([tree, resolve(folder, path!.trim())].map(pathOf));
    if (own !== other) throw refusal(`${folder} has its files in another folder than ${tree}.`);
  }
}

const pathOf = (path: string): Promise<string> => realpath(path).catch(() => path);

/** '' if there is none. */
const textOf = async (path: string): Promise<string> =>
  (await bytesOf(path, MAX_CONFIG_BYTES))?.toString() ?? '';

async function bytesOf(path: string, maxBytes: number): Promise<Buffer | null> {
  const stats = await stat(path).catch(() => null);
  if (!stats) return null;
  if (stats.isFile() && stats.size <= maxBytes) return readFile(path);
  throw refusal(`${path} is no file of git.`);
}

const refusal = (message: string): MoebiusError => new MoebiusError('refused', message);
