/**
 * What files were before and after each turn of the agent, so that a turn can be taken back. A journal of hashes with the contents
 * beside it, in a folder outside the workspace; no git. What the user changed meanwhile is found by its hash, and left alone.
 */
import { createHash } from 'node:crypto';
import { mkdir, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
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
  /** Changed by someone else since the turn: left as they are. */
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
        const earlier = turn.changes.find(change => change.path === path);
        if (earlier) earlier.after = stored;
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

  async sizeBytes(): Promise<number> {
    const names = await readdir(this.#blobs).catch(() => []);
    const sizes = await Promise.all(names.map(name => stat(join(this.#blobs, name)).catch(() => null)));
    return sizes.reduce((sum, stats) => sum + (stats?.size ?? 0), 0);
  }

  /** What was at a path before a turn; null: nothing, or it is no longer kept. */
  async before(turnId: string, path: string): Promise<FileState> {
    const change = (await this.#readTurn(turnId))?.changes.find(one => one.path === path);
    return change?.before ? this.#load(change.before) : null;
  }

  /**
   * Takes back one turn. `overwrite`: conflicts of an earlier try that the user gave up; they are kept in a checkpoint. `paths`: only
   * these files.
   */
  undo(
    turnId: string,
    overwrite: readonly string[] = [],
    paths: readonly string[] | null = null,
  ): Promise<RestoreResult> {
    const ofPaths = (turn: StoredTurn): StoredTurn =>
      paths === null ? turn : { ...turn, changes: turn.changes.filter(({ path }) => paths.includes(path)) };
    return this.#takeBack(turns => turns.filter(({ id }) => id === turnId).map(ofPaths), overwrite);
  }

  /** Takes back a turn and every later one: the files as they were before it. */
  restore(turnId: string, overwrite: readonly string[] = []): Promise<RestoreResult> {
    return this.#takeBack(turns => {
      const from = turns.findIndex(({ id }) => id === turnId);
      return from < 0 ? [] : turns.slice(from);
    }, overwrite);
  }

  #takeBack(
    choose: (turns: StoredTurn[]) => StoredTurn[],
    overwrite: readonly string[],
  ): Promise<RestoreResult> {
    return this.#mutex.run(async () => {
      const all = await this.#readTurns();
      const turns = choose(all);
      const result: RestoreResult = { restored: [], conflicts: [], lost: [] };
      const states = new Map<string, FileState>();
      const replaced: TurnChange[] = [];
      for (const { path, before, after } of spanOf(turns)) {
        const now = await this.#files.read(path);
        if (isState(now, before)) continue;
        if (!isState(now, after) && !overwrite.includes(path)) {
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
    if (!(await stat(path).catch(() => null))) await writeWhole(path, state.bytes);
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
    return parseTurn(await readFile(this.#turnPath(id), 'utf8').catch(() => ''));
  }
  async #readTurns(): Promise<StoredTurn[]> {
    const names = await readdir(this.#turns).catch(() => []);
    const texts = await Promise.all(
      names.map(name => readFile(join(this.#turns, name), 'utf8').catch(() => '')),
    );
    return texts.flatMap(text => parseTurn(text) ?? []).sort((a, b) => a.at - b.at);
  }

  /** Forgets the oldest turns until what is kept fits; never the one that is being made. */
  async #trim(current: string): Promise<void> {
    const turns = await this.#readTurns();
    let sizeBytes = await this.sizeBytes();
    while (sizeBytes > this.#capBytes && turns[0] && turns[0].id !== current) {
      const [oldest] = turns.splice(0, 1);
      await rm(this.#turnPath(oldest!.id), { force: true });
      const kept = new Set(turns.flatMap(hashesOf));
      for (const hash of hashesOf(oldest!)) {
        if (!kept.has(hash) && HASH.test(hash)) await rm(join(this.#blobs, hash), { force: true });
      }
      sizeBytes = await this.sizeBytes();
    }
  }
}

const hashOf = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');
const hashesOf = ({ changes }: StoredTurn): string[] =>
  changes.flatMap(({ before, after }) => [before?.hash, after?.hash].filter(hash => hash !== undefined));

const isState = (now: FileState, stored: StoredState | null): boolean =>
  now === null || stored === null ? now === stored : hashOf(now.bytes) === stored.hash;

/** Several turns as one: what each path was before the first that touched it, and after the last. */
function spanOf(turns: readonly StoredTurn[]): StoredChange[] {
  const span = new Map<string, StoredChange>();
  for (const change of turns.flatMap(({ changes }) => changes)) {
    span.set(change.path, { ...change, before: (span.get(change.path) ?? change).before });
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

/** Never half a file under its name. */
async function writeWhole(path: string, bytes: Uint8Array): Promise<void> {
  await mkdir(join(path, '..'), { recursive: true });
  const part = `${path}.part`;
  await writeFile(part, bytes, { mode: 0o600 });
  await rename(part, path);
}
