/** What `moebius model add` can be given: an id of the catalogue, a GGUF file or a folder of safetensors on disk, an address. */
import { createHash } from 'node:crypto';
import { existsSync, statSync } from 'node:fs';
import { rename } from 'node:fs/promises';
import { basename, join, resolve } from 'node:path';
import { MoebiusError } from '../base/errors.ts';
import { isConvertible } from '../models/architectures.ts';
import {
  type CatalogueEntry,
  catalogue,
  catalogueEntry,
  type FileEntry,
  type RepositoryEntry,
} from '../models/catalogue.ts';
import { download } from '../models/download.ts';
import { type FetchProgress, fetchModel } from '../models/fetch-model.ts';
import { fetchRepository } from '../models/fetch-repository.ts';
import { hashWeights, weightsBytes } from '../models/file-hash.ts';
import { hashAtAddress, readSourceNote, writeSourceNote } from '../models/source-note.ts';
import type { Store } from '../models/store.ts';
import type { Step } from './progress.ts';
import { secondsLeftMeter } from './time-left.ts';

/** Weights that are on disk and whose hash is known. */
export interface SourceFile {
  /** A GGUF file, or the folder of a repository. */
  path: string;
  sha256: string;
  sizeBytes: number;
  id: string;
  name: string;
  license: string;
  /** They are what the catalogue says of the id, and so what its carving and drafter in `models/` were made of. */
  isOfCatalogue: boolean;
  /** Fetched into the store to be converted, by this call or one that was interrupted, and not to be kept: ours to remove. */
  isFresh: boolean;
}

export type SourceName =
  | { kind: 'catalogue'; entry: CatalogueEntry }
  | { kind: 'file'; path: string; id: string }
  | { kind: 'url'; url: string; id: string };

/** Throws `not-found` for what is neither. */
export function readSourceName(text: string): SourceName {
  if (/^https?:\/\//.test(text)) {
    const url = URL.parse(text);
    if (!url) throw new MoebiusError('bad-request', `${text} is not an address.`);
    const isLocal = ['localhost', '127.0.0.1', '[::1]'].includes(url.hostname);
    if (url.protocol !== 'https:' && !isLocal) {
      throw new MoebiusError('bad-request', 'Weights are fetched over https only.');
    }
    return { kind: 'url', url: text, id: idOfFile(url.pathname) };
  }
  if (/\.gguf$/i.test(text) || isFolder(text))
    return { kind: 'file', path: resolve(text), id: idOfFile(text) };
  return { kind: 'catalogue', entry: catalogueEntry(text) };
}

/** `Model-Q4_K_M.gguf` -> `model-q4-k-m`; an id that the store takes. */
export function idOfFile(path: string): string {
  const name = basename(path)
    .replace(/\.gguf$/i, '')
    .toLowerCase();
  return (
    name
      .replace(/[^a-z0-9.]+/g, '-')
      .replace(/^[^a-z0-9]+|-+$/g, '')
      .slice(0, 100) || 'model'
  );
}

/** Throws `bad-request` for an id of the catalogue that a user wants for other weights than its own, which have it by themselves. */
export function assertFree(id: string, source: SourceName): void {
  if (!isInCatalogue(id) || (source.kind === 'catalogue' && source.entry.id === id)) return;
  throw new MoebiusError(
    'bad-request',
    `${id} is the id of a model of the catalogue: give these weights another with --id.`,
  );
}

/**
 * Gets and verifies the file. Throws what fetchModel, fetchRepository and download throw, `not-found` for a missing file,
 * `unsupported` before anything is fetched that could not be converted.
 */
export async function obtainSource(
  source: SourceName,
  store: Store,
  report: (step: Step) => void,
  signal: AbortSignal,
): Promise<SourceFile> {
  switch (source.kind) {
    case 'catalogue':
      return fromCatalogue(source.entry, store, report, signal);
    case 'file':
      return describeFile(source.path, source.id, false, report, signal);
    case 'url':
      return fromUrl(source, store, report, signal);
  }
}

/** For other variants to be made of it; what was not fetched is its owner's anyway. */
export async function keepSource(file: SourceFile): Promise<SourceFile> {
  const note = file.isFresh && (await readSourceNote(file.path));
  if (note) await writeSourceNote(file.path, { ...note, isKept: true });
  return { ...file, isFresh: false };
}

/** Removes what was fetched. */
export async function removeSource(store: Store, { path, sha256, id }: SourceFile): Promise<void> {
  if (path === store.downloadPath(sha256)) await store.removeDownload(sha256);
  else await store.removeRepository(id);
}

async function fromCatalogue(
  entry: CatalogueEntry,
  store: Store,
  report: (step: Step) => void,
  signal: AbortSignal,
): Promise<SourceFile> {
  if (!isConvertible(entry.architecture)) {
    throw new MoebiusError(
      'unsupported',
      `This version cannot convert ${entry.name} yet (its architecture is ${entry.architecture}), so it was not downloaded.`,
    );
  }
  const left = secondsLeftMeter();
  const onProgress = ({ phase, source, doneBytes, totalBytes }: FetchProgress) =>
    report({
      ...byteStep(phase, doneBytes, totalBytes, left(phase + source, doneBytes, totalBytes)),
      message: source,
    });
  const fetched =
    entry.kind === 'file'
      ? await fetchEntryFile(entry, store, onProgress, signal)
      : await fetchEntryRepository(entry, store, onProgress, signal);
  const { id, name, license } = entry;
  return { ...fetched, id, name, license, isOfCatalogue: true };
}

type Fetched = Pick<SourceFile, 'path' | 'sha256' | 'sizeBytes' | 'isFresh'>;

async function fetchEntryFile(
  entry: FileEntry,
  store: Store,
  onProgress: (progress: FetchProgress) => void,
  signal: AbortSignal,
): Promise<Fetched> {
  const { sha256, sizeBytes } = entry;
  const isThere = (await weightsBytes(store.downloadPath(sha256))) === sizeBytes;
  const path = await fetchModel(entry, { store, signal, onProgress });
  return { path, sha256, sizeBytes, isFresh: await isOurs(path, !isThere) };
}

/** Whether the source goes once it is converted; noted where it was `fetched` just now, for the calls after this one. */
async function isOurs(path: string, fetched: boolean): Promise<boolean> {
  const note = await readSourceNote(path);
  if (note || !fetched) return note?.isKept === false;
  await writeSourceNote(path, { address: null, isKept: false });
  return true;
}

async function fetchEntryRepository(
  entry: RepositoryEntry,
  store: Store,
  onProgress: (progress: FetchProgress) => void,
  signal: AbortSignal,
): Promise<Fetched> {
  const { folder, isFresh, ...fetched } = await fetchRepository(entry, { store, signal, onProgress });
  return { path: folder, ...fetched, isFresh: await isOurs(folder, isFresh) };
}

/** What an earlier call fetched from the address and did not convert is not fetched again. */
async function fromUrl(
  { url, id }: SourceName & { kind: 'url' },
  store: Store,
  report: (step: Step) => void,
  signal: AbortSignal,
): Promise<SourceFile> {
  const address = `url-${createHash('sha256').update(url).digest('hex').slice(0, 32)}`;
  const lock = await store.lock(address, url);
  try {
    const known = await hashAtAddress(store.downloadsFolder, address);
    const sha256 = known ?? (await fetchAddress(url, address, store, report, signal));
    const path = store.downloadPath(sha256);
    return named({
      path,
      sha256,
      sizeBytes: await weightsBytes(path),
      id,
      isFresh: await isOurs(path, false),
    });
  } finally {
    await lock.release();
  }
}

/** Hash of the file, which lies where the store has it. */
async function fetchAddress(
  url: string,
  address: string,
  store: Store,
  report: (step: Step) => void,
  signal: AbortSignal,
): Promise<string> {
  // Named by the address until the hash is known, so that a second call goes on where the first stopped.
  const partial = join(store.downloadsFolder, `${address}.partial`);
  const left = secondsLeftMeter();
  await download({
    url,
    path: partial,
    sizeBytes: null,
    signal,
    onProgress: (doneBytes, totalBytes) =>
      report(
        byteStep(
          'download',
          doneBytes,
          totalBytes ?? undefined,
          left('download', doneBytes, totalBytes ?? 0),
        ),
      ),
  });
  const { sha256 } = await describeFile(partial, address, true, report, signal);
  const path = store.downloadPath(sha256);
  // One that is there without a note, or kept, stays so.
  const isKept = existsSync(path) && (await readSourceNote(path))?.isKept !== false;
  await rename(partial, path);
  await writeSourceNote(path, { address, isKept });
  return sha256;
}

/** Hashes the file; one that the catalogue knows gets its name and id from there. */
async function describeFile(
  path: string,
  id: string,
  isFresh: boolean,
  report: (step: Step) => void,
  signal: AbortSignal,
): Promise<SourceFile> {
  return named({ path, ...(await hashSource(path, report, signal)), id, isFresh });
}

/** Throws `not-found` where there is nothing. */
export async function hashSource(
  path: string,
  report: (step: Step) => void,
  signal: AbortSignal,
): Promise<{ sha256: string; sizeBytes: number }> {
  const sizeBytes = await weightsBytes(path);
  if (sizeBytes === 0) throw new MoebiusError('not-found', `There is no file ${path}, or it is empty.`);
  const left = secondsLeftMeter();
  const sha256 = await hashWeights(path, {
    signal,
    onProgress: done => report(byteStep('verify', done, sizeBytes, left('verify', done, sizeBytes))),
  });
  return { sha256, sizeBytes };
}

/** Other weights never get an id of the catalogue, however their file is called: they would count as that model. */
function named(file: Omit<SourceFile, 'name' | 'license' | 'isOfCatalogue'>): SourceFile {
  const known = catalogue().find(entry => entry.kind === 'file' && entry.sha256 === file.sha256);
  if (known) {
    const { id, name, license } = known;
    return { ...file, id, name, license, isOfCatalogue: true };
  }
  const id = isInCatalogue(file.id) ? `${file.id}-2` : file.id;
  return { ...file, id, name: id, license: 'unknown', isOfCatalogue: false };
}

const isInCatalogue = (id: string): boolean => catalogue().some(entry => entry.id === id);

function byteStep(
  phase: 'download' | 'verify',
  doneBytes: number,
  totalBytes: number | undefined,
  secondsLeft: number | null,
): Step {
  const percent = totalBytes ? (100 * doneBytes) / totalBytes : 0;
  return {
    phase,
    percent,
    doneBytes,
    ...(totalBytes && { totalBytes }),
    ...(secondsLeft !== null && { secondsLeft }),
  };
}

const isFolder = (path: string): boolean => statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false;
