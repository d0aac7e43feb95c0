/** A cursor in an editor as the plain text that the completion pipeline works on. */
import * as vscode from 'vscode';
import type { Cursor } from '../completion/cursor.ts';

/** More than any prompt window holds, so that an old window's start is found again; see completion/prompt-window.ts. */
const BEFORE_LINES = 400;
const BEFORE_CHARS = 12_000;
const AFTER_LINES = 60;
const AFTER_CHARS = 3000;
/** Of the cells above, in a notebook. */
const CELLS_CHARS = 4000;

/** `selected`: what the suggestion list would insert, taken as typed already. */
export function cursorAt(
  document: vscode.TextDocument,
  position: vscode.Position,
  selected?: vscode.SelectedCompletionInfo,
): Cursor {
  const start = selected?.range.start ?? position;
  const first = new vscode.Position(Math.max(0, start.line - BEFORE_LINES), 0);
  const last = new vscode.Position(position.line + AFTER_LINES, 0);
  const own = document.getText(new vscode.Range(first, start)) + (selected?.text ?? '');
  const above = cellsAbove(document);
  return {
    uri: document.uri.toString(),
    path: vscode.workspace.asRelativePath(document.uri, false),
    languageId: document.languageId,
    before: plain(above + own).slice(-BEFORE_CHARS),
    after: plain(document.getText(new vscode.Range(position, document.validatePosition(last)))).slice(
      0,
      AFTER_CHARS,
    ),
  };
}

/** In a notebook a cell goes on where the code cells above it ended. */
function cellsAbove(document: vscode.TextDocument): string {
  if (document.uri.scheme !== 'vscode-notebook-cell') return '';
  for (const notebook of vscode.workspace.notebookDocuments) {
    const cells = notebook.getCells();
    const index = cells.findIndex(cell => cell.document === document);
    if (index < 0) continue;
    const code = cells.slice(0, index).filter(cell => cell.kind === vscode.NotebookCellKind.Code);
    const text = code.map(cell => `${cell.document.getText()}\n\n`).join('');
    return text.slice(-CELLS_CHARS);
  }
  return '';
}

const plain = (text: string): string => text.replaceAll('\r\n', '\n');
