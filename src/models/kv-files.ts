/**
 * The files that hold saved keys and values, of all models (daemon/kv writes them): how much they take, and removing them.
 *
 *   <home>/kv/<id>/<variant>/<key>.kv     a page of rows; only the user may read it, since it tells what the model has read
 */
import { readdir, rm, stat } from 'node:fs/promises';
import { join, sep } from 'node:path';

export const KV_FILE = /^[0-9a-f]{64}\.kv$/;
/** Which experts the model used (daemon/kv/expert-file.ts): a few kilobytes, kept beside the pages and gone with them. */
export const EXPERTS_FILE = 'experts.json';

export interface KvFile {
  path: string;
  /** Of the model it belongs to. */
  id: string;
  sizeBytes: number;
  /** When it was last saved or restored, ms since 1970. */
  usedAtMs: number;
}

/** Every page of the folder `<home>/kv`; none if there is no such folder. Another process may be writing there. */
export async function listKvFiles(folder: string): Promise<KvFile[]> {
  const names = await readdir(folder, { recursive: true }).catch(() => []);
  const files = names
    .map(name => ({ path: join(folder, name), parts: name.split(sep) }))
    .filter(({ parts }) => parts.length === 3 && KV_FILE.test(parts[2]!))
    .map(async ({ path, parts }) => {
      const found = await stat(path).catch(() => null);
      return found && { path, id: parts[0]!, sizeBytes: found.size, usedAtMs: found.mtimeMs };
    });
  return (await Promise.all(files)).filter(file => file !== null);
}

/**
 * Removes the least recently used files of the folder, but none of `spared`, until the rest takes at most `capBytes`;
 * the bytes that are left.
 */
export async function trimKvFiles(
  folder: string,
  capBytes: number,
  spared: ReadonlySet<string> = new Set(),
): Promise<number> {
  const files = await listKvFiles(folder);
  let bytes = files.reduce((sum, file) => sum + file.sizeBytes, 0);
  for (const { path, sizeBytes } of files.sort((a, b) => a.usedAtMs - b.usedAtMs)) {
    if (bytes <= capBytes) break;
    if (spared.has(path)) continue;
    await rm(path, { force: true });
    bytes -= sizeBytes;
  }
  return bytes;
}
