/**
 * A lock between processes: a file that only one can create. Its owner touches it every few seconds, so that a lock whose
 * owner was killed is told from one that is held, even when the owner's process id is in use again.
 */
import { randomUUID } from 'node:crypto';
import { readFile, rm, stat, utimes, writeFile } from 'node:fs/promises';
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
  if (await create(path, owner)) return hold(path, owner);
  if ((await isStale(path)) && (await removeStale(path)) && (await create(path, owner)))
    return hold(path, owner);
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

/** Whether the lock's owner is gone, or the lock is. */
async function isStale(path: string): Promise<boolean> {
  try {
    const holder = await readFile(path, 'utf8');
    return (await isSilent(path)) || !isAlive(Number.parseInt(holder, 10));
  } catch {
    return true;
  }
}

async function isSilent(path: string): Promise<boolean> {
  return Date.now() - (await stat(path)).mtimeMs > STALE_MS;
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

/**
 * Only one may remove, and it looks again first: otherwise a slow one would remove the lock that a quick one has just taken.
 * False if another is at it.
 */
async function removeStale(path: string): Promise<boolean> {
  const turn = `${path}.turn`;
  if (!(await create(turn, String(process.pid)))) {
    // Left by one who was killed within these few lines.
    if (await isSilent(turn).catch(() => false)) await rm(turn, { force: true });
    return false;
  }
  try {
    if (await isStale(path)) await rm(path, { force: true });
    return true;
  } finally {
    await rm(turn, { force: true });
  }
}
