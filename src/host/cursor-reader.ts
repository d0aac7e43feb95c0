/** A cursor in an editor as the plain text that the completion pipeline works on. */
import * as vscode from 'vscode';
import type { Cursor } from '../completion/cursor.ts';
import { cutAbove } from '../completion/cut-above.ts';

/** More than any prompt window holds, so that an old window's start is found again; see completion/prompt-window.ts. */
const BEFORE_CHARS = 12_000;
/** Looked at, to know whether a string or a comment is open where the text is cut; this happens at every key. */
const SCANNED_LINES = 5000;
const AFTER_LINES = 60;
const AFTER_CHARS = 3000;
/** Of the cells above, and of those below, in a notebook. */
const CELLS_CHARS = 4000;

/** `selected`: what the suggestion list would insert, taken as typed already. */
export function cursorAt(
  document: vscode.TextDocument,
  position: vscode.Position,
  selected?: vscode.SelectedCompletionInfo,
): Cursor {
  const start = selected?.range.start ?? position;
  const first = new vscode.Position(Math.max(0, start.line - SCANNED_LINES), 0);
  const last = new vscode.Position(position.line + AFTER_LINES, 0);
  const own = document.getText(new vscode.Range(first, start)) + (selected?.text ?? '');
  const below = document.getText(new vscode.Range(position, document.validatePosition(last)));
  const cells = cellsAround(document);
  return {
    uri: document.uri.toString(),
    path: vscode.workspace.asRelativePath(document.uri, false),
    languageId: document.languageId,
    before: cutAbove(plain(cells.above + own), BEFORE_CHARS, document.languageId),
    after: plain(below + cells.below).slice(0, AFTER_CHARS),
  };
}

/** In a notebook a cell goes on where the cells above it in its language ended, and those below it go on from there. */
function cellsAround(document: vscode.TextDocument): { above: string; below: string } {
  const isCell = document.uri.scheme === 'vscode-notebook-cell';
  for (const notebook of isCell ? vscode.workspace.notebookDocuments : []) {
    const cells = notebook.getCells();
    const index = cells.findIndex(cell => cell.document === document);
    if (index < 0) continue;
    const texts = (some: readonly vscode.NotebookCell[]) =>
      some
        .filter(cell => cell.kind === vscode.NotebookCellKind.Code)
        .filter(cell => cell.document.languageId === document.languageId)
        .map(cell => cell.document.getText());
    const above = texts(cells.slice(0, index)).map(text => `${text}\n\n`);
    return {
      above: cutAbove(above.join(''), CELLS_CHARS, document.languageId),
      below: texts(cells.slice(index + 1))
        .map(text => `\n\n${text}`)
        .join('')
        .slice(0, CELLS_CHARS),
    };
  }
  return { above: '', below: '' };
}

const plain = (text: string): string => text.replaceAll('\r\n', '\n');
