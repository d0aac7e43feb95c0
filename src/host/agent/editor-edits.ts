/**
 * The edits of the agent. Files without unsaved changes are changed on disk, from where the editor takes them; documents with unsaved
 * changes are changed in the editor and stay unsaved: what the user has not saved is not saved for them.
 */

import type * as vscode from 'vscode';
import { applyReplacements } from '../../agent/edits/lines.ts';
import type { ChangedFile, EditPort, FileChange } from '../../agent/ports.ts';
import { MoebiusError, toMoebiusError } from '../../base/errors.ts';
import type { Checkpoints, FileState } from '../../workspace/checkpoints.ts';
import type { ResolvedPath, WorkspaceFolders } from '../../workspace/folders.ts';
import { refuseDisguise, refuseSecret } from '../../workspace/guards.ts';
import { changedFile, type NodeEdits } from '../../workspace/node-edits.ts';
import { editDocument, refuseUnsavedNotebook, unsavedDocument, wholeText } from './documents.ts';
import { bytesOf, currentState, unsavedVersion } from './editor-files.ts';

interface DocumentEdit {
  change: Extract<FileChange, { kind: 'edit' }>;
  target: ResolvedPath;
  document: vscode.TextDocument;
  before: NonNullable<FileState>;
  /** The unsaved text of before. */
  text: string;
  /** What the edit left in the document; null: it is not made. */
  left: string | null;
}

export class EditorEdits implements EditPort {
  readonly #folders: WorkspaceFolders;
  readonly #disk: NodeEdits;
  readonly #checkpoints: Checkpoints;

  constructor(folders: WorkspaceFolders, disk: NodeEdits, checkpoints: Checkpoints) {
    this.#folders = folders;
    this.#disk = disk;
    this.#checkpoints = checkpoints;
  }

  async apply(changes: FileChange[], turnId: string): Promise<ChangedFile[]> {
    const edits: DocumentEdit[] = [];
    const rest: FileChange[] = [];
    for (const change of changes) {
      const edit = await this.#unsaved(change);
      if (edit) edits.push(edit);
      else rest.push(change);
    }
    try {
      const changed: ChangedFile[] = [];
      for (const edit of edits) changed.push(await this.#applyToDocument(edit, turnId));
      if (rest.length > 0) changed.push(...(await this.#disk.apply(rest, turnId)));
      return changed;
    } catch (error) {
      // All or nothing: what was changed in the editor goes back.
      const kept = await putBack(edits);
      if (kept.length === 0) throw error;
      const { code, message } = toMoebiusError(error);
      const stays = `The change of ${kept.join(', ')} is still there, because the user was at work in it. Read it again.`;
      throw new MoebiusError(code, `${message} ${stays}`, { cause: error });
    }
  }

  /** null: nothing unsaved stands in the way, the file on disk is meant. */
  async #unsaved(change: FileChange): Promise<DocumentEdit | null> {
    const target = await this.#folders.resolve(change.path);
    await refuseUnsavedNotebook(target);
    const document = change.kind === 'create' ? null : await unsavedDocument(target);
    if (!document) return null;
    refuseSecret(this.#folders, target);
    refuseDisguise(this.#folders, target);
    if (change.kind !== 'edit') {
      throw new MoebiusError(
        'refused',
        `${target.path} has unsaved changes in the editor and is not deleted.`,
      );
    }
    const text = document.getText();
    if (change.version !== unsavedVersion(text)) throw changedSince(target.path);
    const before = await currentState(target);
    if (!before) throw new MoebiusError('not-found', `${target.path} does not exist on disk any more.`);
    return { change, target, document, before, text, left: null };
  }

  async #applyToDocument(edit: DocumentEdit, turnId: string): Promise<ChangedFile> {
    const { change, target, document, before, text } = edit;
    const { path } = target;
    const stateOf = (after: string) => ({ bytes: bytesOf(after, before, path), mode: before.mode });
    const record = (after: NonNullable<FileState>) =>
      this.#checkpoints.record(turnId, [{ path, before, after }]);
    await record(stateOf(applyReplacements(text, change.replacements)));
    // Places in the text that was read are none in what the user has typed since.
    if (document.isClosed || document.getText() !== text) throw changedSince(path);
    if (!(await editDocument(document, change.replacements))) {
      throw new MoebiusError('busy', `The editor did not accept the change of ${path}. Is it read-only?`);
    }
    // The editor may have made the line ends its own.
    edit.left = document.getText();
    const after = stateOf(edit.left);
    await record(after);
    return changedFile({ target, before, after });
  }
}

/** Takes back the edits that were made. Returns the paths of those that stay: what the user has typed since is not written over. */
async function putBack(edits: readonly DocumentEdit[]): Promise<string[]> {
  const kept: string[] = [];
  for (const { target, document, text, left } of edits) {
    if (left === null) continue;
    const isAsLeft = !document.isClosed && document.getText() === left;
    const isBack = isAsLeft && (await editDocument(document, [wholeText(document, text)]));
    if (!isBack) kept.push(target.path);
  }
  return kept;
}

const changedSince = (path: string): MoebiusError =>
  new MoebiusError(
    'stale',
    `${path} has changed in the editor since it was read. Read it again before you edit it.`,
  );
