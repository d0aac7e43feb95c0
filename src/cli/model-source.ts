/** What `moebius model add` can be given: an id of the catalogue, a GGUF file or a folder of safetensors on disk, an address. */
import { createHash } from 'node:crypto';
import { statSync } from 'node:fs';
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
  /** Fetched by this call into the store, so ours to remove. */
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
  return { ...fetched, id, name, license };
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
  return {
    path: await fetchModel(entry, { store, signal, onProgress }),
    sha256,
    sizeBytes,
    isFresh: !isThere,
  };
}

async function fetchEntryRepository(
  entry: RepositoryEntry,
  store: Store,
  onProgress: (progress: FetchProgress) => void,
  signal: AbortSignal,
): Promise<Fetched> {
  const { folder, ...fetched } = await fetchRepository(entry, { store, signal, onProgress });
  return { path: folder, ...fetched };
}

async function fromUrl(
  { url, id }: SourceName & { kind: 'url' },
  store: Store,
  report: (step: Step) => void,
  signal: AbortSignal,
): Promise<SourceFile> {
  // Named by the address until the hash is known, so that a second call goes on where the first stopped.
  const partial = join(
    store.downloadsFolder,
    `url-${createHash('sha256').update(url).digest('hex').slice(0, 32)}.partial`,
  );
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
  const file = await describeFile(partial, id, true, report, signal);
  await rename(partial, store.downloadPath(file.sha256));
  return { ...file, path: store.downloadPath(file.sha256) };
}

/** Hashes the file; one that the catalogue knows gets its name and id from there. */
async function describeFile(
  path: string,
  id: string,
  isFresh: boolean,
  report: (step: Step) => void,
  signal: AbortSignal,
): Promise<SourceFile> {
  const sizeBytes = await weightsBytes(path);
  if (sizeBytes === 0) throw new MoebiusError('not-found', `There is no file ${path}, or it is empty.`);
  const left = secondsLeftMeter();
  const sha256 = await hashWeights(path, {
    signal,
    onProgress: done => report(byteStep('verify', done, sizeBytes, left('verify', done, sizeBytes))),
  });
  const known = catalogue().find(entry => entry.kind === 'file' && entry.sha256 === sha256);
  const { name, license } = known ?? { name: id, license: 'unknown' };
  return { path, sha256, sizeBytes, id: known?.id ?? id, name, license, isFresh };
}

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
