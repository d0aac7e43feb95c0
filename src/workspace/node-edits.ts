/** Carries out edits on files on disk, and keeps what was there before. */

import { applyReplacements } from '../agent/edits/lines.ts';
import { arrayHunks } from '../agent/edits/search-replace.ts';
import type { ChangedFile, EditPort, FileChange } from '../agent/ports.ts';
import { MoebiusError } from '../base/errors.ts';
import { Mutex } from '../base/mutex.ts';
import type { Checkpoints, FileState, FileStates } from './checkpoints.ts';
import { decodeText, encodeText } from './encoding.ts';
import { type FileWrite, readState, writeFiles } from './file-set.ts';
import type { WorkspaceFolders } from './folders.ts';
import { refuseDisguise, refuseSecret } from './guards.ts';
import { MAX_FILE_BYTES, versionOf } from './node-workspace.ts';

/** A change of more files at once is not one that anybody looks through. */
const MAX_FILES = 200;

export class NodeEdits implements EditPort {
  readonly #folders: WorkspaceFolders;
  readonly #checkpoints: Checkpoints;
  readonly #mutex = new Mutex();

  constructor(folders: WorkspaceFolders, checkpoints: Checkpoints) {
    this.#folders = folders;
    this.#checkpoints = checkpoints;
  }

  apply(changes: FileChange[], turnId: string): Promise<ChangedFile[]> {
    return this.#mutex.run(async () => {
      if (changes.length > MAX_FILES) {
        throw new MoebiusError(
          'bad-request',
          `${changes.length} files at once are too many; ${MAX_FILES} are the most.`,
        );
      }
      const writes: FileWrite[] = [];
      for (const change of changes) writes.push(await this.#prepare(change));
      const seen = new Set<string>();
      for (const { target } of writes) {
        if (seen.has(target.real)) {
          throw new MoebiusError(
            'bad-request',
            `${target.path} is changed twice in one set. Make one change of it.`,
          );
        }
        seen.add(target.real);
      }
      await this.#checkpoints.record(
        turnId,
        writes.map(({ target, before, after }) => ({ path: target.path, before, after })),
      );
      await writeFiles(writes);
      return writes.map(changedFile);
    });
  }

  async #prepare(change: FileChange): Promise<FileWrite> {
    const target = await this.#folders.resolve(change.path);
    refuseSecret(this.#folders, target);
    refuseDisguise(this.#folders, target);
    const before = await readState(target);
    if (change.kind === 'create') {
      if (before)
        throw new MoebiusError('bad-request', `${target.path} exists already. Edit it, or read it first.`);
      return { target, before, after: { bytes: checked(target.path, change.text), mode: 0 } };
    }
    if (!before) throw new MoebiusError('not-found', `${target.path} does not exist.`);
    if (versionOf(before.bytes) !== change.version) {
      throw new MoebiusError(
        'stale',
        `${target.path} has changed since it was read. Read it again before you edit it.`,
      );
    }
    if ((before.mode & 0o222) === 0) throw new MoebiusError('refused', `${target.path} is read-only.`);
    if (change.kind === 'delete') return { target, before, after: null };
    const decoded = decodeText(before.bytes, target.path);
    const text = applyReplacements(decoded.text, change.replacements);
    return { target, before, after: { bytes: checked(target.path, text, decoded), mode: before.mode } };
  }
}

function checked(
  path: string,
  text: string,
  as: Omit<Parameters<typeof encodeText>[0], 'text'> = { encoding: 'utf-8', hasBom: false },
): Buffer {
  const bytes = encodeText({ ...as, text });
  if (bytes.length <= MAX_FILE_BYTES) return bytes;
  throw new MoebiusError('refused', `${path} would be larger than ${MAX_FILE_BYTES / 1024 / 1024} MiB.`);
}

/** Of a file that is about to be written, or was. */
export function changedFile({
  target,
  before,
  after,
}: Pick<FileWrite, 'before' | 'after'> & { target: { path: string } }): ChangedFile {
  const lines = (state: FileState): string[] =>
    state
      ? decodeText(state.bytes, target.path)
          .text.split('\n')
          .filter((line, at, all) => line || at < all.length - 1)
      : [];
  const hunks = arrayHunks(lines(before), lines(after));
  return {
    path: target.path,
    kind: !before ? 'create' : !after ? 'delete' : 'edit',
    addedLines: hunks.reduce((sum, hunk) => sum + hunk.lines.length, 0),
    removedLines: hunks.reduce((sum, hunk) => sum + hunk.end - hunk.start, 0),
  };
}

/** The files of the workspace as the checkpoints read and restore them. */
export function nodeFileStates(folders: WorkspaceFolders): FileStates {
  return {
    read: async path => readState(await folders.resolve(path)),
    write: async states => {
      const writes: FileWrite[] = [];
      for (const [path, after] of states) {
        const target = await folders.resolve(path);
        writes.push({ target, before: await readState(target), after });
      }
      await writeFiles(writes);
    },
  };
}
