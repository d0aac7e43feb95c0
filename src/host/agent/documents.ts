/** Documents with unsaved changes: for the agent they are the files, since they are what the user sees. */
import { realpath } from 'node:fs/promises';
import * as vscode from 'vscode';
import { MoebiusError } from '../../base/errors.ts';
import type { ResolvedPath } from '../../workspace/folders.ts';

/** The document of a file that has unsaved changes; null: the file is what is on disk. */
export const unsavedDocument = (target: ResolvedPath): Promise<vscode.TextDocument | null> =>
  unsavedOf(vscode.workspace.textDocuments, target);

/**
 * What is unsaved of a notebook is in its cells, and no text of its file: an edit can be made in neither.
 * @throws MoebiusError `refused` where the file is a notebook with unsaved changes
 */
export async function refuseUnsavedNotebook(target: ResolvedPath): Promise<void> {
  if ((await unsavedOf(vscode.workspace.notebookDocuments, target)) === null) return;
  const why = 'is open as a notebook with unsaved changes, so its file is not changed. Save it first.';
  throw new MoebiusError('refused', `${target.path} ${why}`);
}

async function unsavedOf<T extends Pick<vscode.NotebookDocument, 'isDirty' | 'uri'>>(
  open: readonly T[],
  { real }: ResolvedPath,
): Promise<T | null> {
  for (const document of open) {
    if (!document.isDirty || document.uri.scheme !== 'file') continue;
    // By what links lead to: the editor keeps the name by which the file was opened.
    if ((await realpath(document.uri.fsPath).catch(() => null)) === real) return document;
  }
  return null;
}

/** Replaces parts of a document, in one step of undo and without saving. false: the editor did not accept it. */
export async function editDocument(
  document: vscode.TextDocument,
  replacements: readonly { start: number; end: number; text: string }[],
): Promise<boolean> {
  const edit = new vscode.WorkspaceEdit();
  for (const { start, end, text } of replacements) {
    edit.replace(document.uri, new vscode.Range(document.positionAt(start), document.positionAt(end)), text);
  }
  return vscode.workspace.applyEdit(edit);
}

/** What a document's file says, as the editor reads it; null: nothing that can be read. */
export const textOnDisk = ({ uri, encoding }: vscode.TextDocument): Thenable<string | null> =>
  vscode.workspace.fs.readFile(uri).then(
    bytes => vscode.workspace.decode(bytes, { encoding }),
    () => null,
  );

/**
 * What says the same as its file again counts as unsaved no longer. The editor learns that by its undo or by a revert alone, and a
 * revert is of the active editor: elsewhere the mark stays.
 */
export async function clearUnsavedMark(document: vscode.TextDocument): Promise<void> {
  const { uri } = document;
  if (!document.isDirty || uri.scheme !== 'file') return;
  if (
    (await textOnDisk(document)) !== document.getText() ||
    vscode.window.activeTextEditor?.document !== document
  )
    return;
  await vscode.commands.executeCommand('workbench.action.files.revert');
}

export const wholeText = (document: vscode.TextDocument, text: string) => ({
  start: 0,
  end: document.getText().length,
  text,
});
