/**
 * Writes a set of files so that all of them change or none: everything is written beside its target first, then renamed, and
 * taken back if a later one fails. A full disk is met before the first file changes.
 */
import { randomUUID } from 'node:crypto';
import { mkdir, open, rename, rm, rmdir } from 'node:fs/promises';
import { basename, dirname, join, relative, sep } from 'node:path';
import { isDiskFull, MoebiusError } from '../base/errors.ts';
import type { FileState } from './checkpoints.ts';
import { inFolder, type ResolvedPath } from './folders.ts';
import { readBytes } from './node-workspace.ts';

export interface FileWrite {
  target: ResolvedPath;
  /** What must be there now. */
  before: FileState;
  after: FileState;
}

/** Permissions of a new file, before the user's mask. */
const NEW_MODE = 0o666;

/** @throws MoebiusError `stale` when a file is no longer `before`, `disk-full` when there is no room; nothing has changed then. */
export async function writeFiles(writes: readonly FileWrite[]): Promise<void> {
  const made: string[] = [];
  const staged: { write: FileWrite; part: string | null }[] = [];
  const done: FileWrite[] = [];
  try {
    for (const write of writes) {
      const { real } = write.target;
      if (write.after && !write.before) await makeFolders(dirname(real), made);
      staged.push({ write, part: write.after && (await stage(real, write.after)) });
    }
    for (const { write } of staged) await checkState(write);
    for (const { write, part } of staged) {
      await put(write.target.real, part);
      done.push(write);
    }
  } catch (error) {
    for (const write of done.toReversed()) await takeBack(write);
    for (const { write, part } of staged) {
      if (part && !done.includes(write)) await rm(join(dirname(write.target.real), part), { force: true });
    }
    for (const folder of made.toReversed()) await rmdir(folder).catch(() => {});
    throw explained(error);
  }
}

/** Writes to a new name beside the target and says which. */
async function stage(real: string, { bytes, mode }: NonNullable<FileState>): Promise<string> {
  const part = `.${basename(real).slice(0, 100)}.${randomUUID()}.part`;
  await inFolder(dirname(real), async folder => {
    const path = join(folder, part);
    const handle = await open(path, 'wx', mode || NEW_MODE);
    try {
      await handle.writeFile(bytes);
      await handle.sync();
      // Exactly the permissions of the file that is replaced, whatever the mask.
      if (mode) await handle.chmod(mode);
    } catch (error) {
      await rm(path, { force: true });
      throw error;
    } finally {
      await handle.close();
    }
  });
  return part;
}

/** The staged file in the place of the target; null removes the target. */
async function put(real: string, part: string | null): Promise<void> {
  await inFolder(dirname(real), async folder => {
    const path = join(folder, basename(real));
    if (part) await rename(join(folder, part), path);
    else await rm(path);
  });
}

async function checkState({ target, before }: FileWrite): Promise<void> {
  const now = await readState(target);
  const isSame = before && now ? Buffer.compare(before.bytes, now.bytes) === 0 : before === now;
  if (isSame) return;
  throw new MoebiusError(
    'stale',
    `${target.path} was changed by someone else. Read it again. Nothing was written.`,
  );
}

/** What is at a path now; null: nothing. */
export async function readState(target: ResolvedPath): Promise<FileState> {
  try {
    return await readBytes(target);
  } catch (error) {
    if (error instanceof MoebiusError && error.code === 'not-found') return null;
    throw error;
  }
}

async function takeBack({ target, before }: FileWrite): Promise<void> {
  await put(target.real, before && (await stage(target.real, before))).catch(() => {});
}

async function makeFolders(folder: string, made: string[]): Promise<void> {
  const first = await mkdir(folder, { recursive: true });
  if (first === undefined) return;
  made.push(first);
  let path = first;
  for (const name of relative(first, folder).split(sep).filter(Boolean)) {
    path = join(path, name);
    made.push(path);
  }
}

function explained(error: unknown): unknown {
  const { code, message } = error as NodeJS.ErrnoException;
  if (error instanceof MoebiusError) return error;
  const nothing = 'Nothing was changed.';
  if (isDiskFull(error)) {
    return new MoebiusError('disk-full', `The disk is full. ${nothing} Free some space and try again.`, {
      cause: error,
    });
  }
  if (code === 'EACCES' || code === 'EPERM' || code === 'EROFS') {
    return new MoebiusError('refused', `The files can't be written: ${message}. ${nothing}`, {
      cause: error,
    });
  }
  return error;
}
