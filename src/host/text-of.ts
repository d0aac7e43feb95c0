/** Texts of documents and files, without reading what is too large to be of use. */
import * as vscode from 'vscode';

const LARGEST_BYTES = 200_000;

/**
 * Of an open document, as it is in the editor; else of the file. With `\n` line ends. null: there is none, or it is too
 * large.
 */
export async function textOf(uri: vscode.Uri): Promise<string | null> {
  const open = vscode.workspace.textDocuments.find(document => document.uri.toString() === uri.toString());
  if (open) return sizeOf(open) > LARGEST_BYTES ? null : open.getText().replaceAll('\r\n', '\n');
  try {
    const { size, type } = await vscode.workspace.fs.stat(uri);
    if (type !== vscode.FileType.File || size > LARGEST_BYTES) return null;
    return new TextDecoder().decode(await vscode.workspace.fs.readFile(uri)).replaceAll('\r\n', '\n');
  } catch {
    return null;
  }
}

/** Characters of a document, whose lines are not joined for it. */
export const sizeOf = (document: vscode.TextDocument): number =>
  document.offsetAt(new vscode.Position(document.lineCount, 0));
