/**
 * What files were before and after each turn of the agent, so that a turn can be taken back. A journal of hashes with the contents
 * beside it, in a folder outside the workspace; no git. What the user changed meanwhile is found by its hash, and left alone.
 */
import { createHash } from 'node:crypto';
import { mkdir, readdir, readFile, rename, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Mutex } from '../base/mutex.ts';

/** What is at a path; null: nothing. */
export type FileState = { bytes: Uint8Array; mode: number } | null;
export interface FileStates {
  read(path: string): Promise<FileState>;
  /** All or nothing. */
  write(states: ReadonlyMap<string, FileState>): Promise<void>;
}

export interface TurnChange {
  path: string;
  before: FileState;
  after: FileState;
}
export interface RestoreResult {
  restored: string[];
  /** Changed by someone else since the turn, or between two of its changes: left as they are. */
  conflicts: string[];
  /** What was before is no longer kept, because the space is used up. */
  lost: string[];
}

interface StoredState {
  hash: string;
  mode: number;
}
interface StoredChange {
  path: string;
  before: StoredState | null;
  after: StoredState | null;
  /** Hash of what the last record found there, null for nothing; absent after one record. */
  found?: string | null;
  /** Someone else changed it between two records: before it there is more than the agent's work to lose. */
  isMixed?: boolean;
}
interface StoredTurn {
  id: string;
  at: number;
  changes: StoredChange[];
  /** `back`: it was taken back, or what is left of it stays. `restore`: it is the taking back of others. */
  kind?: 'back' | 'restore';
}

/** Of what the files of a workspace were before, on disk; the oldest turns go first. */
export const CHECKPOINT_BYTES = 200_000_000;

const HASH = /^[0-9a-f]{64}$/;
/** Content that no turn names may be that of a turn which another window is about to write. It is left alone for so long. */
const UNNAMED_MS = 10 * 60_000;

export class Checkpoints {
  readonly #folder: string;
  readonly #files: FileStates;
  readonly #capBytes: number;
  readonly #mutex = new Mutex();

  constructor(folder: string, files: FileStates, capBytes: number) {
    this.#folder = folder;
    this.#files = files;
    this.#capBytes = capBytes;
  }

  /** Called before the files are written. A file that the turn changes again keeps its first `before`. */
  record(turnId: string, changes: readonly TurnChange[]): Promise<void> {
    return this.#mutex.run(async () => {
      const { at, changes: earlierChanges } = (await this.#readTurn(turnId)) ?? {
        at: Date.now(),
        changes: [],
      };
      const turn: StoredTurn = { id: turnId, at, changes: earlierChanges };
      for (const { path, before, after } of changes) {
        const stored = await this.#store(after);
        const index = turn.changes.findIndex(change => change.path === path);
        const earlier = turn.changes[index];
        if (earlier) turn.changes[index] = joined(earlier, { path, before: unstored(before), after: stored });
        else turn.changes.push({ path, before: await this.#store(before), after: stored });
      }
      await this.#writeTurn(turn);
      await this.#trim(turnId);
    });
  }

  /**
   * Turns that changed files, oldest first. `isStanding`: something of it may still be in the files, so it can be taken back. `at` in
   * milliseconds since 1970.
   */
  async turns(): Promise<{ id: string; at: number; isStanding: boolean }[]> {
    const turns = await this.#readTurns();
    return turns.map(({ id, at, kind }) => ({ id, at, isStanding: kind === undefined }));
  }

  /** The user has decided about all that is left of a turn: it is not taken back any more. */
  close(turnId: string): Promise<void> {
    return this.#mutex.run(async () => {
      const turn = await this.#readTurn(turnId);
      if (turn) await this.#writeTurn({ ...turn, kind: 'back' });
    });
  }

  /** What a turn changed; nothing if it is no longer kept. */
  async paths(turnId: string): Promise<string[]> {
    return (await this.#readTurn(turnId))?.changes.map(({ path }) => path) ?? [];
  }

  async sizeBytes(): Promise<number> {
    const stats = await this.#blobStats();
    return [...stats.values()].reduce((sum, { size }) => sum + size, 0);
  }

  /** What was at a path before a turn; null: nothing, or it is no longer kept. */
  before(turnId: string, path: string): Promise<FileState> {
    return this.#stateOf(turnId, path, 'before');
  }

  /** What a turn left at a path, likewise. */
  after(turnId: string, path: string): Promise<FileState> {
    return this.#stateOf(turnId, path, 'after');
  }

  async #stateOf(turnId: string, path: string, when: 'before' | 'after'): Promise<FileState> {
    const stored = (await this.#readTurn(turnId))?.changes.find(one => one.path === path)?.[when];
    return stored ? this.#load(stored) : null;
  }

  /**
   * Takes back one turn. `overwrite`: conflicts of an earlier try that the user gave up; they are kept in a checkpoint. `paths`: only
   * these files; those of a turn that is forgotten are lost.
   */
  undo(
    turnId: string,
    overwrite: readonly string[] = [],
    paths: readonly string[] | null = null,
  ): Promise<RestoreResult> {
    const ofPaths = (turn: StoredTurn): StoredTurn =>
      paths === null ? turn : { ...turn, changes: turn.changes.filter(({ path }) => paths.includes(path)) };
    const choose = (turns: StoredTurn[]) => turns.filter(({ id }) => id === turnId).map(ofPaths);
    return this.#takeBack(choose, overwrite, paths ?? []);
  }

  /** Takes back a turn and every later one: the files as they were before it. */
  restore(turnId: string, overwrite: readonly string[] = []): Promise<RestoreResult> {
    return this.#takeBack(turns => {
      const from = turns.findIndex(({ id }) => id === turnId);
      return from < 0 ? [] : turns.slice(from);
    }, overwrite);
  }

  /** `wanted`: paths that the chosen turns should have changed. */
  #takeBack(
    choose: (turns: StoredTurn[]) => StoredTurn[],
    overwrite: readonly string[],
    wanted: readonly string[] = [],
  ): Promise<RestoreResult> {
    return this.#mutex.run(async () => {
      const all = await this.#readTurns();
      const turns = choose(all);
      const span = spanOf(turns);
      const lost = wanted.filter(path => !span.some(change => change.path === path));
      const result: RestoreResult = { restored: [], conflicts: [], lost };
      const states = new Map<string, FileState>();
      const replaced: TurnChange[] = [];
      for (const { path, before, after, isMixed } of span) {
        const now = await this.#files.read(path);
        if (isState(now, before)) continue;
        const isOurs = isState(now, after) && !isMixed;
        if (!isOurs && !overwrite.includes(path)) {
          result.conflicts.push(path);
          continue;
        }
        const target = before && (await this.#load(before));
        if (before && !target) {
          result.lost.push(path);
          continue;
        }
        states.set(path, target);
        replaced.push({ path, before: now, after: target });
        result.restored.push(path);
      }
      if (!states.size) {
        await this.#markBack(all, turns, result);
        return result;
      }
      // What is taken back may be wanted again: it is a turn of its own.
      const id = `restore-${Date.now()}-${all.length}`;
      const changes: StoredChange[] = [];
      for (const change of replaced) {
        changes.push({
          path: change.path,
          before: await this.#store(change.before),
          after: await this.#store(change.after),
        });
      }
      await this.#writeTurn({ id, at: Date.now(), changes, kind: 'restore' });
      await this.#files.write(states);
      await this.#markBack(all, turns, result);
      await this.#trim(id);
      return result;
    });
  }

  /** Of turns that are the files' past now. One whose files were not all meant, or not all put back, stays as it is. */
  async #markBack(
    all: readonly StoredTurn[],
    taken: readonly StoredTurn[],
    { conflicts, lost }: RestoreResult,
  ): Promise<void> {
    const stuck = new Set([...conflicts, ...lost]);
    for (const turn of all) {
      const meant = taken.find(({ id }) => id === turn.id)?.changes ?? [];
      const isWhole = meant.length === turn.changes.length && meant.every(({ path }) => !stuck.has(path));
      if (turn.kind === undefined && meant.length > 0 && isWhole)
        await this.#writeTurn({ ...turn, kind: 'back' });
    }
  }

  get #blobs(): string {
    return join(this.#folder, 'blobs');
  }
  get #turns(): string {
    return join(this.#folder, 'turns');
  }

  async #store(state: FileState): Promise<StoredState | null> {
    if (!state) return null;
    const hash = hashOf(state.bytes);
    const path = join(this.#blobs, hash);
    const now = new Date();
    // What is there already is new again, so that nobody clears it away before the turn that names it is written.
    const isThere = await utimes(path, now, now).then(
      () => true,
      () => false,
    );
    if (!isThere) await writeWhole(path, state.bytes);
    return { hash, mode: state.mode };
  }

  async #load({ hash, mode }: StoredState): Promise<FileState> {
    const bytes = HASH.test(hash) ? await readFile(join(this.#blobs, hash)).catch(() => null) : null;
    return bytes && hashOf(bytes) === hash ? { bytes, mode } : null;
  }

  /** The name of the file is a hash: an id is not a path. */
  #turnPath(id: string): string {
    return join(this.#turns, `${hashOf(Buffer.from(id))}.json`);
  }
  async #writeTurn(turn: StoredTurn): Promise<void> {
    await writeWhole(this.#turnPath(turn.id), Buffer.from(JSON.stringify(turn)));
  }
  async #readTurn(id: string): Promise<StoredTurn | null> {
    return parseTurn(await textOf(this.#turnPath(id)));
  }
  async #readTurns(): Promise<StoredTurn[]> {
    const names = await readdir(this.#turns).catch(() => []);
    const texts = await Promise.all(names.map(name => textOf(join(this.#turns, name))));
    return texts.flatMap(text => parseTurn(text) ?? []).sort((a, b) => a.at - b.at);
  }

  /** By name. */
  async #blobStats(): Promise<Map<string, { size: number; mtimeMs: number }>> {
    const names = await readdir(this.#blobs).catch(() => []);
    const stats = await Promise.all(names.map(name => stat(join(this.#blobs, name)).catch(() => null)));
    return new Map(names.flatMap((name, index) => (stats[index] ? [[name, stats[index]]] : [])));
  }

  /** Clears away what no turn names, then forgets the oldest turns until the rest fits; never the one that is being made. */
  async #trim(current: string): Promise<void> {
    const stats = await this.#blobStats();
    const turns = await this.#readTurns();
    const remove = (name: string) => rm(join(this.#blobs, name), { force: true });
    const named = namedBy(turns);
    const untilMs = Date.now() - UNNAMED_MS;
    for (const [name, { mtimeMs }] of stats) if (!named.has(name) && mtimeMs < untilMs) await remove(name);

    // What is too new to be cleared away does not count: no turn is forgotten for it.
    const sizeOf = (hashes: ReadonlySet<string>) =>
      [...hashes].reduce((sum, hash) => sum + (stats.get(hash)?.size ?? 0), 0);
    while (sizeOf(namedBy(turns)) > this.#capBytes && turns[0] && turns[0].id !== current) {
      const [oldest] = turns.splice(0, 1);
      await rm(this.#turnPath(oldest!.id), { force: true });
      const kept = namedBy(turns);
      for (const hash of namedBy([oldest!])) if (!kept.has(hash)) await remove(hash);
    }
  }
}

const hashOf = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

const unstored = (state: FileState): StoredState | null =>
  state && { hash: hashOf(state.bytes), mode: state.mode };

/** A change of a path and the next as one. The next finds what the first left, unless someone else was there meanwhile. */
function joined(first: StoredChange, next: StoredChange): StoredChange {
  const { path, before } = first;
  const atFirst = before?.hash ?? null;
  const { found: foundBefore = atFirst } = first;
  const found = next.before?.hash ?? null;
  // What was recorded is not always made, or is recorded again as what came of it: then it finds the same once more.
  const isOurs = found === (first.after?.hash ?? null) || found === foundBefore;
  const isMixed = found !== atFirst && (first.isMixed === true || !isOurs);
  return { path, before, after: next.after, found, isMixed: isMixed || next.isMixed === true };
}

/** Hashes of contents. */
function namedBy(turns: readonly StoredTurn[]): Set<string> {
  const states = turns.flatMap(({ changes }) => changes).flatMap(({ before, after }) => [before, after]);
  return new Set(states.flatMap(state => (state && HASH.test(state.hash) ? [state.hash] : [])));
}

const isState = (now: FileState, stored: StoredState | null): boolean =>
  now === null || stored === null ? now === stored : hashOf(now.bytes) === stored.hash;

/** Several turns as one: what each path was before the first that touched it, and after the last. */
function spanOf(turns: readonly StoredTurn[]): StoredChange[] {
  const span = new Map<string, StoredChange>();
  for (const change of turns.flatMap(({ changes }) => changes)) {
    const earlier = span.get(change.path);
    span.set(change.path, earlier ? joined(earlier, change) : change);
  }
  return [...span.values()];
}

function parseTurn(text: string): StoredTurn | null {
  try {
    const turn = JSON.parse(text) as StoredTurn;
    return typeof turn.id === 'string' && Array.isArray(turn.changes) ? turn : null;
  } catch {
    return null;
  }
}

/** '' if there is no such file. One that can't be read now is not taken for that: what its turn names would be cleared away. */
async function textOf(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return '';
    throw error;
  }
}

/** Never half a file under its name. */
async function writeWhole(path: string, bytes: Uint8Array): Promise<void> {
  await mkdir(join(path, '..'), { recursive: true });
  const part = `${path}.part`;
  await writeFile(part, bytes, { mode: 0o600 });
  await rename(part, path);
}
