/** What is read of a folder that is attached: the names of all files below it, and the texts of those that lie in it directly. */
import * as vscode from 'vscode';
import { workspacePath } from '../workspace-path.ts';
import { decodeText, secretReason } from './attachment-rules.ts';
import { type FolderFile, folderText, LISTED_FILES } from './folder-text.ts';
import { EXCLUDED } from './suggestions.ts';

/** More text than this no attachment keeps, so it is not read. */
const READ_BYTES = 400_000;

export async function readFolder(folder: vscode.Uri): Promise<string> {
  // Its own files apart: of many below it, those that are found first may lie anywhere.
  const [own, below] = await Promise.all([find(folder, '*'), find(folder, '**/*')]);
  const files: FolderFile[] = [];
  let leftBytes = READ_BYTES;
  for (const uri of own) {
    const path = workspacePath(uri);
    const { size, type } = await vscode.workspace.fs.stat(uri);
    // What a link leads to may lie outside; what is larger than the rest of the room is left out.
    if (type !== vscode.FileType.File || size > leftBytes) continue;
    const text = await textOf(uri, path);
    if (text === null) continue;
    leftBytes -= size;
    files.push({ path, text });
  }
  return folderText(
    [...own, ...below].map(uri => workspacePath(uri)),
    files,
  );
}

async function find(folder: vscode.Uri, glob: string): Promise<vscode.Uri[]> {
  const pattern = new vscode.RelativePattern(folder, glob);
  const found = await vscode.workspace.findFiles(pattern, EXCLUDED, LISTED_FILES + 1);
  return found.sort((a, b) => (a.path < b.path ? -1 : 1));
}

/** null: not text, or it looks like a secret. A folder is attached for what can be read in it. */
async function textOf(uri: vscode.Uri, path: string): Promise<string | null> {
  try {
    const text = decodeText(path, await vscode.workspace.fs.readFile(uri));
    return secretReason(path.slice(path.lastIndexOf('/') + 1), text) === null ? text : null;
  } catch {
    return null;
  }
}
