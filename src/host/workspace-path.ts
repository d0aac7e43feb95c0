/** Paths of the workspace in words for the user and the model: those by which the tools of the agent know the files. */
import * as vscode from 'vscode';
import { MoebiusError } from '../base/errors.ts';
import { folderNames } from '../workspace/folders.ts';

/** In a workspace of several folders its first part is the folder's name; of a file outside it is absolute. */
export function workspacePath(uri: vscode.Uri): string {
  const inner = vscode.workspace.asRelativePath(uri, false);
  const folder = vscode.workspace.getWorkspaceFolder(uri);
  const names = namesOfFolders();
  if (!folder || names.length < 2) return inner;
  const name = names[folder.index]!;
  return uri.toString() === folder.uri.toString() ? name : `${name}/${inner}`;
}

/** @throws MoebiusError `not-found` for a path into no folder */
export function workspaceUri(path: string): vscode.Uri {
  const folders = vscode.workspace.workspaceFolders ?? [];
  if (folders.length === 1) return vscode.Uri.joinPath(folders[0]!.uri, path);
  const [name = '', ...rest] = path.split('/');
  const folder = folders[namesOfFolders().indexOf(name)];
  if (folder) return vscode.Uri.joinPath(folder.uri, ...rest);
  const why = folders.length === 0 ? 'No folder is open.' : `${path} is in no folder of the workspace.`;
  throw new MoebiusError('not-found', `${why} Attach the file with the file dialog.`);
}

/** Not as `asRelativePath` has them: two folders may have one name, and a name may be no part of a path. */
const namesOfFolders = (): string[] =>
  folderNames((vscode.workspace.workspaceFolders ?? []).map(({ name }) => name));
