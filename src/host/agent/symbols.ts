/** What the language servers know of names. */
import * as vscode from 'vscode';
import { applyReplacements } from '../../agent/edits/lines.ts';
import type { RenameRequest, SymbolsPort } from '../../agent/ports.ts';
import { orAborted } from '../../base/abort.ts';
import type { WorkspaceFolders } from '../../workspace/folders.ts';

/** A server that has not read the project by then is no help: the text is looked at instead. */
const LONGEST_MS = 10_000;

export class EditorSymbols implements SymbolsPort {
  readonly #folders: WorkspaceFolders;

  constructor(folders: WorkspaceFolders) {
    this.#folders = folders;
  }

  async textsAfterRename(
    { path, line, column, newName }: RenameRequest,
    signal: AbortSignal,
  ): Promise<ReadonlyMap<string, string> | null> {
    const uri = vscode.Uri.file((await this.#folders.resolve(path)).opened);
    const position = new vscode.Position(line - 1, column - 1);
    const asked = vscode.commands.executeCommand<vscode.WorkspaceEdit>(
      'vscode.executeDocumentRenameProvider',
      uri,
      position,
      newName,
    );
    const inTime = AbortSignal.any([signal, AbortSignal.timeout(LONGEST_MS)]);
    // No server for that language, one that refuses the name, one that takes too long.
    const edit = await orAborted(Promise.resolve(asked), inTime).catch(error => {
      if (signal.aborted) throw error;
      return null;
    });
    const edits = edit?.entries() ?? [];
    if (edits.length === 0 || edits.some(([, changes]) => changes.length === 0)) return null;
    const texts = new Map<string, string>();
    for (const [file, changes] of edits) {
      const changed = file.scheme === 'file' ? this.#folders.toPath(file.fsPath) : null;
      // Some of it lies outside of what may be changed; a part of a renaming is worse than none.
      if (changed === null) return null;
      const document = await vscode.workspace.openTextDocument(file);
      texts.set(changed, textAfter(document, changes).replaceAll('\r\n', '\n'));
    }
    return texts;
  }
}

function textAfter(document: vscode.TextDocument, changes: readonly vscode.TextEdit[]): string {
  const replacements = changes.map(({ range, newText }) => ({
    start: document.offsetAt(range.start),
    end: document.offsetAt(range.end),
    text: newText,
  }));
  return applyReplacements(document.getText(), replacements);
}
