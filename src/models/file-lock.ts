/**
 * A lock between processes: a file that only one can create. Its owner touches it every few seconds, so that a lock whose
 * owner was killed is told from one that is held, even when the owner's process id is in use again.
 */
import { randomUUID } from 'node:crypto';
import { readFile, rename, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { MoebiusError } from '../base/errors.ts';

const HEARTBEAT_MS = 5_000;
/** A machine that slept or swapped may miss a few heartbeats. */
const STALE_MS = 60_000;

export interface FileLock {
  release(): Promise<void>;
}

/** Throws `busy` if another process (or this one) holds it. `name` is for the message. */
export async function takeLock(path: string, name: string): Promise<FileLock> {
  const owner = `${process.pid} ${randomUUID()}`;
  for (let attempt = 0; attempt < 3; attempt++) {
    if (await create(path, owner)) return hold(path, owner);
    const holder = await staleHolder(path);
    if (holder === null) break;
    await removeStale(path, holder);
  }
  const pid = (await readFile(path, 'utf8').catch(() => '')).split(' ')[0];
  throw new MoebiusError(
    'busy',
    `Another Moebius process${pid ? ` (${pid})` : ''} is working on ${name}. Wait until it is done, or end it.`,
  );
}

async function create(path: string, owner: string): Promise<boolean> {
  try {
    await writeFile(path, owner, { flag: 'wx' });
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  }
}

function hold(path: string, owner: string): FileLock {
  const heartbeat = setInterval(
    () => void utimes(path, new Date(), new Date()).catch(() => undefined),
    HEARTBEAT_MS,
  );
  heartbeat.unref();
  return {
    async release() {
      clearInterval(heartbeat);
      if ((await readFile(path, 'utf8').catch(() => null)) === owner) await rm(path, { force: true });
    },
  };
}

/** What the lock file says if its owner is gone; null if it is held. An owner that vanished meanwhile is ''. */
async function staleHolder(path: string): Promise<string | null> {
  try {
    const holder = await readFile(path, 'utf8');
    const { mtimeMs } = await stat(path);
    const isSilent = Date.now() - mtimeMs > STALE_MS;
    return isSilent || !isAlive(Number.parseInt(holder, 10)) ? holder : null;
  } catch {
    return '';
  }
}

function isAlive(pid: number): boolean {
  // A file just created may still be empty; the silence decides about it.
  if (!Number.isInteger(pid)) return true;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

/** Takes the file aside before removing it: if another process was faster and the lock is a new one, it is put back. */
async function removeStale(path: string, holder: string): Promise<void> {
  const aside = `${path}.${randomUUID()}`;
  try {
    await rename(path, aside);
  } catch {
    return;
  }
  if ((await readFile(aside, 'utf8')) === holder) await rm(aside, { force: true });
  else await rename(aside, path);
}
