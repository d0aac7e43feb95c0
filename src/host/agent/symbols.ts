/** What the language servers know of names. */
import * as vscode from 'vscode';
import type { RenameRequest, SymbolsPort } from '../../agent/ports.ts';
import { cancelled } from '../../base/errors.ts';
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
    const uri = vscode.Uri.file((await this.#folders.resolve(path)).real);
    const position = new vscode.Position(line - 1, column - 1);
    const edit = await answer(
      vscode.commands.executeCommand<vscode.WorkspaceEdit>(
        'vscode.executeDocumentRenameProvider',
        uri,
        position,
        newName,
      ),
      signal,
    );
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
  const text = document.getText();
  const places = changes
    .map(({ range, newText }) => ({
      start: document.offsetAt(range.start),
      end: document.offsetAt(range.end),
      newText,
    }))
    .sort((a, b) => a.start - b.start);
  let result = '';
  let from = 0;
  for (const { start, end, newText } of places) {
    result += text.slice(from, start) + newText;
    from = end;
  }
  return result + text.slice(from);
}

/** null: no server for that language, it says that the name can't be changed, or it takes too long. Throws `cancelled`. */
async function answer<T>(thenable: Thenable<T>, signal: AbortSignal): Promise<T | null> {
  if (signal.aborted) throw cancelled();
  let end = () => {};
  const late = new Promise<null>(resolve => {
    const timer = setTimeout(() => resolve(null), LONGEST_MS);
    const stop = () => resolve(null);
    signal.addEventListener('abort', stop);
    end = () => {
      clearTimeout(timer);
      signal.removeEventListener('abort', stop);
    };
  });
  const found = await Promise.race([Promise.resolve(thenable).catch(() => null), late]).finally(end);
  if (signal.aborted) throw cancelled();
  return found;
}
