/** Files that the agent may not touch although they are inside: secrets, and protected files under the name of a link. */
import { looksSecret, protectedReason } from '../agent/paths.ts';
import { MoebiusError } from '../base/errors.ts';
import type { ResolvedPath, WorkspaceFolders } from './folders.ts';

/** @throws MoebiusError `refused` for a file that is likely to hold passwords or keys, by its own name or that of a link to it. */
export function refuseSecret(folders: WorkspaceFolders, { path, real }: ResolvedPath): void {
  if (!looksSecret(path) && !looksSecret(folders.toPath(real) ?? '')) return;
  throw new MoebiusError(
    'refused',
    `${path} looks like a file with passwords or keys, which are not read or written. Ask the user for the part you need.`,
  );
}

/** @throws MoebiusError `refused` for a link to a protected file: an approval shows the name, and this one would not tell. */
export function refuseDisguise(folders: WorkspaceFolders, { path, real }: ResolvedPath): void {
  const own = folders.toPath(real);
  if (own === null || own === path || !protectedReason(own) || protectedReason(path)) return;
  throw new MoebiusError('refused', `${path} is a link to ${own}. Name that file itself if it is to change.`);
}
