/** A cell of a notebook is a document of its own, and what belongs to its file belongs to it. */
import * as vscode from 'vscode';

export const CELL_SCHEME = 'vscode-notebook-cell';

/** The file that a document is of: a cell's is its notebook. */
export const fileOf = (uri: vscode.Uri): vscode.Uri => notebookOf(uri)?.uri ?? uri;

/** All that the document says; of a cell also those in its language above and below it. */
export function wholeOf(document: vscode.TextDocument): string {
  const cells = notebookOf(document.uri)?.getCells() ?? [];
  const texts = cells
    .filter(({ kind }) => kind === vscode.NotebookCellKind.Code)
    .filter(cell => cell.document.languageId === document.languageId)
    .map(cell => cell.document.getText());
  return texts.length > 0 ? texts.join('\n') : document.getText();
}

/** Its cells have its path. */
const notebookOf = ({ scheme, path }: vscode.Uri): vscode.NotebookDocument | undefined =>
  scheme === CELL_SCHEME
    ? vscode.workspace.notebookDocuments.find(({ uri }) => uri.path === path)
    : undefined;
