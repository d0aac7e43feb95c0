/** The Git extension of VS Code, which reads the repository. */
import * as vscode from 'vscode';
import { MoebiusError } from '../../base/errors.ts';
import type { UnstagedChanges } from './unstaged.ts';

/** What is used of the Git extension's API (version 1). */
export interface GitRepository {
  rootUri: vscode.Uri;
  inputBox: { value: string };
  state: UnstagedChanges;
  /** Staged changes, or those that are not. */
  diff(cached?: boolean): Promise<string>;
  /** What a file says in a commit; as it is staged: `''`. */
  show(ref: string, path: string): Promise<string>;
  log(options: { maxEntries: number }): Promise<{ message: string }[]>;
}
interface GitExtension {
  getAPI(version: 1): { repositories: GitRepository[]; getRepository(uri: vscode.Uri): GitRepository | null };
}

/**
 * `source`: the source control whose button was pressed; without it the repository of the active editor.
 * @throws MoebiusError `unsupported` without the Git extension, `not-found` without a repository
 */
export async function findRepository(source: unknown): Promise<GitRepository> {
  const extension = vscode.extensions.getExtension<GitExtension>('vscode.git');
  if (!extension) throw new MoebiusError('unsupported', 'The Git extension is disabled; it reads the diff.');
  const git = (await activated(extension)).getAPI(1);
  const root = (source as { rootUri?: vscode.Uri } | undefined)?.rootUri;
  const active = vscode.window.activeTextEditor?.document.uri;
  const repository =
    (root && git.getRepository(root)) ?? (active && git.getRepository(active)) ?? git.repositories[0];
  if (!repository) throw new MoebiusError('not-found', 'There is no Git repository in this workspace.');
  return repository;
}

async function activated(extension: vscode.Extension<GitExtension>): Promise<GitExtension> {
  try {
    return await extension.activate();
  } catch (cause) {
    throw new MoebiusError('unsupported', 'The Git extension could not start; it reads the diff.', { cause });
  }
}
