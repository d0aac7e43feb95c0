/** Files that the user keeps out of things: by `.gitignore`, `files.exclude` or `search.exclude`. */
import * as vscode from 'vscode';
import { PathRules } from '../workspace/path-rules.ts';

export class IgnoredFiles implements vscode.Disposable {
  private rules: PathRules[] = rulesOfFolders();
  private readonly watcher = vscode.workspace.createFileSystemWatcher('**/.gitignore');
  private readonly parts: vscode.Disposable[];

  constructor() {
    const forget = () => {
      for (const rules of this.rules) rules.forget();
    };
    const renew = () => {
      this.rules = rulesOfFolders();
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

  /** `path` as a folder of the workspace has it; with several folders, ignored in any is ignored. */
  async has(path: string): Promise<boolean> {
    const verdicts = await Promise.all(this.rules.map(rules => rules.isIgnored(path)));
    return verdicts.includes(true);
  }

  dispose(): void {
    for (const part of this.parts) part.dispose();
  }
}

function rulesOfFolders(): PathRules[] {
  return (vscode.workspace.workspaceFolders ?? [])
    .filter(({ uri }) => uri.scheme === 'file')
    .map(({ uri }) => {
      const globs = ['files', 'search'].flatMap(area => {
        const switches = vscode.workspace.getConfiguration(area, uri).get<Record<string, unknown>>('exclude');
        return Object.entries(switches ?? {}).flatMap(([glob, isOn]) => (isOn === true ? [glob] : []));
      });
      return new PathRules(uri.fsPath, globs);
    });
}
