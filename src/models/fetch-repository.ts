/**
 * Gets the files of a hub's repository into a folder of the store, one after the other. A file has its name there only once
 * its hash was checked, so that an interrupted download goes on with the first that has not, in its middle.
 */
import { createHash } from 'node:crypto';
import { mkdir, readFile, rename, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { MoebiusError } from '../base/errors.ts';
import { hubUrl, type RepositoryEntry } from './catalogue.ts';
import { type DownloadOptions, download } from './download.ts';
import type { FetchProgress } from './fetch-model.ts';
import { hashFile } from './file-hash.ts';
import { type HubFile, type HubFiles, listHubFiles, parseHubFiles } from './hub-files.ts';
import { removePartial } from './partial-file.ts';
import type { Store } from './store.ts';

export interface FetchRepositoryOptions {
  store: Store;
  onProgress?: ((progress: FetchProgress) => void) | undefined;
  signal?: AbortSignal | undefined;
  timing?: Pick<DownloadOptions, 'connectMs' | 'stallMs' | 'retryDelayMs'> | undefined;
}

export interface FetchedRepository {
  folder: string;
  /** Of the names and hashes of all files, in order of the names: changes when any of them does. */
  sha256: string;
  sizeBytes: number;
  /** This call downloaded some of it; otherwise all was there, kept by an earlier one. */
  isFresh: boolean;
}

/** The revision that the files in the folder are of. */
const LIST_NAME = 'moebius-files.json';

/**
 * Throws `cancelled`, `disk-full`, `busy` (another process is fetching it), `hash-mismatch` or `download-failed`; what is
 * there is kept, but for a file that is proven wrong.
 */
export async function fetchRepository(
  entry: Pick<RepositoryEntry, 'id' | 'name' | 'repository'>,
  options: FetchRepositoryOptions,
): Promise<FetchedRepository> {
  const { store, signal, onProgress } = options;
  const lock = await store.lock(`download-${entry.id}`);
  try {
    const folder = store.repositoryFolder(entry.id);
    await mkdir(folder, { recursive: true });
    const list = await fileList(folder, entry.repository, signal);
    const totalBytes = list.files.reduce((sum, file) => sum + file.sizeBytes, 0);
    await store.requireFree(totalBytes - (await bytesThere(folder, list.files)), `${entry.name}'s download`);
    let before = 0;
    let isFresh = false;
    for (const file of list.files) {
      const report = (phase: FetchProgress['phase'], done: number) =>
        onProgress?.({ source: 'hub', phase, doneBytes: before + done, totalBytes });
      isFresh = (await fetchFile(folder, list, file, report, options)) || isFresh;
      before += file.sizeBytes;
      report('download', 0);
    }
    return { folder, sha256: hashOf(list.files), sizeBytes: totalBytes, isFresh };
  } finally {
    await lock.release();
  }
}

/** The list kept with the files, so that all stay of one revision; else the hub's newest. */
async function fileList(
  folder: string,
  repository: string,
  signal: AbortSignal | undefined,
): Promise<HubFiles> {
  const path = join(folder, LIST_NAME);
  const kept = parseHubFiles(await readFile(path, 'utf8').catch(() => ''), repository);
  if (kept) return kept;
  const list = await listHubFiles(repository, signal);
  await writeFile(`${path}.partial`, JSON.stringify(list, null, 2), { flush: true });
  await rename(`${path}.partial`, path);
  return list;
}

/** Whether it had to be downloaded. */
async function fetchFile(
  folder: string,
  { repository, revision }: HubFiles,
  file: HubFile,
  report: (phase: FetchProgress['phase'], doneBytes: number) => void,
  { signal, timing }: FetchRepositoryOptions,
): Promise<boolean> {
  const path = join(folder, file.name);
  if ((await sizeOf(path)) === file.sizeBytes) return false;
  const partial = `${path}.partial`;
  await download({
    url: hubUrl(repository, file.name, revision),
    path: partial,
    sizeBytes: file.sizeBytes,
    onProgress: doneBytes => report('download', doneBytes),
    signal,
    ...timing,
  });
  if (!(await isRight(partial, file, done => report('verify', done), signal))) {
    await removePartial(partial);
    throw new MoebiusError(
      'hash-mismatch',
      `What the hub gave for ${file.name} is not what it lists for ${repository}. It was removed; try again.`,
    );
  }
  await rename(partial, path);
  return true;
}

async function isRight(
  path: string,
  { hash, sizeBytes }: HubFile,
  onProgress: (doneBytes: number) => void,
  signal: AbortSignal | undefined,
): Promise<boolean> {
  if (hash.kind === 'sha256') return (await hashFile(path, { signal, onProgress })) === hash.hex;
  // git's small files; its hash covers a header of its own.
  const sha1 = createHash('sha1')
    .update(`blob ${sizeBytes}\0`)
    .update(await readFile(path));
  return sha1.digest('hex') === hash.hex;
}

async function bytesThere(folder: string, files: readonly HubFile[]): Promise<number> {
  let bytes = 0;
  for (const { name } of files) {
    const path = join(folder, name);
    bytes += (await sizeOf(path)) || (await sizeOf(`${path}.partial`));
  }
  return bytes;
}

function hashOf(files: readonly HubFile[]): string {
  const lines = files.map(({ name, hash }) => `${name} ${hash.hex}\n`).sort();
  return createHash('sha256').update(lines.join('')).digest('hex');
}

const sizeOf = (path: string): Promise<number> =>
  stat(path).then(
    found => found.size,
    () => 0,
  );
