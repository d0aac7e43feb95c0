/**
 * What is noted beside published weights in the store: the address they are of, and whether somebody asked to keep them. Without a
 * note they are kept: they were put there by other means.
 */
import { readdir, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

export interface SourceNote {
  /** Names the address that the file was fetched from; null for one of the catalogue. */
  address: string | null;
  /** Otherwise they go once they are converted, also when that takes several attempts. */
  isKept: boolean;
}

/** Of a GGUF file. */
export const fileNotePath = (path: string): string => `${path}.json`;
/** Of a repository's folder. */
const FOLDER_NOTE = 'moebius-source.json';

const notePath = (path: string): string =>
  path.endsWith('.gguf') ? fileNotePath(path) : join(path, FOLDER_NOTE);

/** `path` of a GGUF file or of a repository's folder. null without a note, or with one that can't be read. */
export async function readSourceNote(path: string): Promise<SourceNote | null> {
  try {
    const { address, isKept } = JSON.parse(await readFile(notePath(path), 'utf8'));
    return { address: typeof address === 'string' ? address : null, isKept: isKept !== false };
  } catch {
    return null;
  }
}

export async function writeSourceNote(path: string, note: SourceNote): Promise<void> {
  const target = notePath(path);
  await writeFile(`${target}.partial`, JSON.stringify(note), { flush: true });
  await rename(`${target}.partial`, target);
}

/** The hash of the file in `folder` that was fetched from an address, and was verified; null if there is none. */
export async function hashAtAddress(folder: string, address: string): Promise<string | null> {
  for (const name of await readdir(folder)) {
    const sha256 = /^([0-9a-f]{64})\.gguf$/.exec(name)?.[1];
    if (sha256 && (await readSourceNote(join(folder, name)))?.address === address) return sha256;
  }
  return null;
}
