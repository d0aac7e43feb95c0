/** A cursor in an editor as the plain text that the completion pipeline works on. */
import * as vscode from 'vscode';
import type { Cursor } from '../completion/cursor.ts';
import { cutAbove } from '../completion/cut-above.ts';
import { type Around, REACH_LINES, withinReach } from '../completion/reach.ts';

/** Of the cells above, and of those below, in a notebook. */
const CELLS_CHARS = 4000;

/** `selected`: what the suggestion list would insert, taken as typed already. */
export function cursorAt(
  document: vscode.TextDocument,
  position: vscode.Position,
  selected?: vscode.SelectedCompletionInfo,
): Cursor {
  const start = selected?.range.start ?? position;
  const first = new vscode.Position(Math.max(0, start.line - REACH_LINES.before), 0);
  const last = new vscode.Position(position.line + REACH_LINES.after, 0);
  const above = document.getText(new vscode.Range(first, start)) + (selected?.text ?? '');
  const below = document.getText(new vscode.Range(position, document.validatePosition(last)));
  return {
    uri: document.uri.toString(),
    path: vscode.workspace.asRelativePath(document.uri, false),
    languageId: document.languageId,
    ...withinReach({ before: plain(above), after: plain(below) }, document.languageId, cellsAround(document)),
  };
}

/** In a notebook a cell goes on where the cells above it in its language ended, and those below it go on from there. */
function cellsAround(document: vscode.TextDocument): Around {
  const isCell = document.uri.scheme === 'vscode-notebook-cell';
  for (const notebook of isCell ? vscode.workspace.notebookDocuments : []) {
    const cells = notebook.getCells();
    const index = cells.findIndex(cell => cell.document === document);
    if (index < 0) continue;
    const texts = (some: readonly vscode.NotebookCell[]) =>
      some
        .filter(cell => cell.kind === vscode.NotebookCellKind.Code)
        .filter(cell => cell.document.languageId === document.languageId)
        .map(cell => plain(cell.document.getText()));
    const before = texts(cells.slice(0, index)).map(text => `${text}\n\n`);
    return {
      before: cutAbove(before.join(''), CELLS_CHARS, document.languageId),
      after: texts(cells.slice(index + 1))
        .map(text => `\n\n${text}`)
        .join('')
        .slice(0, CELLS_CHARS),
    };
  }
  return { before: '', after: '' };
}

const plain = (text: string): string => text.replaceAll('\r\n', '\n');
