/** Files that the agent may not touch although they are inside: secrets, and protected files under the name of a link. */
import { looksSecret, protectedReason } from '../agent/paths.ts';
import { MoebiusError } from '../base/errors.ts';
import type { ResolvedPath, WorkspaceFolders } from './folders.ts';

/** @throws MoebiusError `refused` for a file that is likely to hold passwords or keys, by its own name or that of a link to it. */
export function refuseSecret(folders: WorkspaceFolders, { path, real }: ResolvedPath): void {
  if (![path, ...folders.pathsTo(real)].some(looksSecret)) return;
  throw new MoebiusError(
    'refused',
    `${path} looks like a file with passwords or keys, which the agent does not read or write: only the user can say what of it is needed.`,
  );
}

/**
 * @throws MoebiusError `refused` for a protected file by another name, through a link or a folder of the workspace that lies in
 * another: an approval shows the name, and this one would not tell.
 */
export function refuseDisguise(folders: WorkspaceFolders, { path, real }: ResolvedPath): void {
  const own = folders.pathsTo(real).find(protectedReason);
  if (own === undefined || protectedReason(path)) return;
  throw new MoebiusError(
    'refused',
    `${path} is another name of ${own}. Call the file that if it is to change.`,
  );
}
