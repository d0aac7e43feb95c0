/** What an unfinished download leaves: the bytes that came, and beside them which version of the file they are of. */
import { rm } from 'node:fs/promises';

/** Holds the server's tag of the file. */
export const etagPath = (path: string): string => `${path}.etag`;

/** Forgets an unfinished download. */
export async function removePartial(path: string): Promise<void> {
  await rm(path, { force: true });
  await rm(etagPath(path), { force: true });
}
