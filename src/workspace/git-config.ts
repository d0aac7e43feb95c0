/** The configurations that git reads in a folder of the workspace: of the repositories there and above it, as far as the workspace goes. */
import { readFile, stat } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { normalisePath } from '../agent/paths.ts';
import { MoebiusError } from '../base/errors.ts';
import type { WorkspaceFolders } from './folders.ts';

const MAX_BYTES = 1024 * 1024;

/** @throws MoebiusError `refused` for a folder outside, and for one that can't be read like a file */
export async function readGitConfig(folders: WorkspaceFolders, folder: string): Promise<string> {
  const parts = normalisePath(folder).split('/').filter(Boolean);
  const texts: string[] = [];
  // In a workspace of several folders the first part names one of them.
  for (let depth = folders.isSingle ? 0 : 1; depth <= parts.length; depth++) {
    const { real } = await folders.resolve(parts.slice(0, depth).join('/') || '.');
    texts.push(await configOf(join(real, '.git')));
  }
  return texts.join('\n');
}

/** `git`: a folder, or a file of a work tree or submodule that says where the folder is. */
async function configOf(git: string): Promise<string> {
  const stats = await stat(git).catch(() => null);
  if (!stats) return '';
  const target = stats.isFile() ? /^gitdir: (.*)$/m.exec(await textOf(git))?.[1] : undefined;
  const folder = target === undefined ? git : resolve(dirname(git), target);
  const common = resolve(folder, (await textOf(join(folder, 'commondir'))).trim());
  return `${await textOf(join(common, 'config'))}\n${await textOf(join(folder, 'config.worktree'))}`;
}

/** '' if there is none. */
async function textOf(path: string): Promise<string> {
  const stats = await stat(path).catch(() => null);
  if (!stats) return '';
  if (stats.isFile() && stats.size <= MAX_BYTES) return readFile(path, 'utf8');
  throw new MoebiusError('refused', `${path} is no file of git.`);
}
