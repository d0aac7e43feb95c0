/** Files that the user keeps out of things: by `.gitignore`, `files.exclude` or `search.exclude`. */
import { posix } from 'node:path';
import * as vscode from 'vscode';
import { PathRules } from '../workspace/path-rules.ts';

interface FolderRules {
  /** Path of the folder, with `/`. */
  root: string;
  rules: PathRules;
}

export class IgnoredFiles implements vscode.Disposable {
  private folders: FolderRules[] = rulesOfFolders();
  private readonly watcher = vscode.workspace.createFileSystemWatcher('**/.gitignore');
  private readonly parts: vscode.Disposable[];

  constructor() {
    const forget = () => {
      for (const { rules } of this.folders) rules.forget();
    };
    const renew = () => {
      this.folders = rulesOfFolders();
    };
    this.parts = [
      this.watcher,
      this.watcher.onDidChange(forget),
      this.watcher.onDidCreate(forget),
      this.watcher.onDidDelete(forget),
      vscode.workspace.onDidChangeWorkspaceFolders(renew),
      vscode.workspace.onDidChangeConfiguration(event => {
        if (event.affectsConfiguration('files.exclude') || event.affectsConfiguration('search.exclude'))
          renew();
      }),
    ];
  }

  /** By the rules of every folder of the workspace that it is below; `path` of its address. */
  async has({ path }: vscode.Uri): Promise<boolean> {
    const verdicts = await Promise.all(
      this.folders.map(({ root, rules }) => rules.isIgnored(posix.relative(root, path))),
    );
    return verdicts.includes(true);
  }

  dispose(): void {
    for (const part of this.parts) part.dispose();
  }
}

function rulesOfFolders(): FolderRules[] {
  return (vscode.workspace.workspaceFolders ?? [])
    .filter(({ uri }) => uri.scheme === 'file')
    .map(({ uri }) => {
      const globs = ['files', 'search'].flatMap(area => {
        const switches = vscode.workspace.getConfiguration(area, uri).get<Record<string, unknown>>('exclude');
        return Object.entries(switches ?? {}).flatMap(([glob, isOn]) => (isOn === true ? [glob] : []));
      });
      return { root: uri.path, rules: new PathRules(uri.fsPath, globs) };
    });
}
