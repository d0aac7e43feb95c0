/** The list behind `@` and `#`: selection, problems, symbols, files and folders of the workspace, the file dialog. */
import * as vscode from 'vscode';
import type { Suggestion } from '../../protocol/webview.ts';
import { workspacePath } from '../workspace-path.ts';
import { pathGlob } from './path-glob.ts';
import { foldersOf, rankPaths } from './rank-paths.ts';
import { suggestSymbols } from './symbols.ts';

/** What nobody means who names a folder. */
export const EXCLUDED = '**/{node_modules,.git,dist,out,build,target,.venv,__pycache__}/**';
const MAX_FILES = 5000;
/** Of the files that a query names beyond those: enough to find the best among. */
const MAX_NAMED = 500;
const SHOWN_FILES = 12;
const SHOWN_FOLDERS = 4;
/** Typing a name asks many times; the workspace's files change seldom. */
const FRESH_MS = 15_000;

export class SuggestionSource {
  #paths: Promise<string[]> = Promise.resolve([]);
  #listedAt = Number.NEGATIVE_INFINITY;
  /** Ends the search for the query before. */
  #search = new vscode.CancellationTokenSource();

  async suggest(query: string): Promise<Suggestion[]> {
    const fixed = fixedItems().filter(item => item.kind.startsWith(query.toLowerCase()));
    const paths = [...new Set([...openPaths(), ...(await this.#workspacePaths(query))])];
    const symbols = await suggestSymbols(query);
    // Without a word to go by, files are likelier.
    const folders = query === '' ? [] : rankPaths(query, foldersOf(paths), SHOWN_FOLDERS);
    const pick = { kind: 'pick' as const, label: 'Attach Files…', detail: 'from anywhere' };
    return [
      ...fixed,
      ...rankPaths(query, paths, SHOWN_FILES).map(path => pathItem('file', path)),
      ...folders.map(path => pathItem('folder', path)),
      ...symbols,
      pick,
    ];
  }

  /** The listed files, and where not all are listed also those that the query names. */
  async #workspacePaths(query: string): Promise<string[]> {
    if (performance.now() - this.#listedAt > FRESH_MS) {
      this.#listedAt = performance.now();
      this.#paths = findPaths('**/*', MAX_FILES);
    }
    this.#search.cancel();
    this.#search = new vscode.CancellationTokenSource();
    const { token } = this.#search;
    const listed = await this.#paths;
    if (query === '' || listed.length < MAX_FILES || token.isCancellationRequested) return listed;
    return [...listed, ...(await findPaths(pathGlob(query), MAX_NAMED, token))];
  }
}

async function findPaths(glob: string, limit: number, token?: vscode.CancellationToken): Promise<string[]> {
  const uris = await vscode.workspace.findFiles(glob, EXCLUDED, limit, token);
  return uris.map(uri => workspacePath(uri));
}

const pathItem = (kind: 'file' | 'folder', path: string): Suggestion => ({
  kind,
  label: path.slice(path.lastIndexOf('/') + 1) + (kind === 'folder' ? '/' : ''),
  detail: path.slice(0, Math.max(0, path.lastIndexOf('/'))),
  path,
});

function fixedItems(): Suggestion[] {
  const editor = vscode.window.activeTextEditor;
  const lines =
    editor && !editor.selection.isEmpty ? editor.selection.end.line - editor.selection.start.line + 1 : 0;
  return [
    {
      kind: 'selection',
      label: 'selection',
      detail: lines === 0 ? 'nothing selected' : lines === 1 ? '1 line' : `${lines} lines`,
    },
    { kind: 'problems', label: 'problems', detail: 'errors and warnings' },
  ];
}

/** Files of open tabs, the active one first. */
function openPaths(): string[] {
  const active = vscode.window.activeTextEditor?.document.uri;
  const tabs = vscode.window.tabGroups.all.flatMap(group => group.tabs);
  const uris = tabs.flatMap(tab => (tab.input instanceof vscode.TabInputText ? [tab.input.uri] : []));
  return [...(active ? [active] : []), ...uris]
    .filter(uri => vscode.workspace.getWorkspaceFolder(uri))
    .map(uri => workspacePath(uri));
}
