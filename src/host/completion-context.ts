/** Where completions find context in an editor: the pure part is completion/context. */
import { posix } from 'node:path';
import * as vscode from 'vscode';
import { monotonicClock } from '../base/clock.ts';
import { type PathAliases, pathAliases } from '../completion/context/aliases.ts';
import type { ContextFile } from '../completion/context/context-file.ts';
import { ContextList, type FoundPiece, gather } from '../completion/context/gather.ts';
import { EDIT_LINES, isShown, type RecentPiece, RecentWork } from '../completion/context/recent.ts';
import { counterparts, importedPaths } from '../completion/context/related.ts';
import { namesIn, SimilarParts, wordsNear } from '../completion/context/similar.ts';
import { isUnfitName } from '../completion/context/unfit.ts';
import type { Cursor } from '../completion/cursor.ts';
import { IgnoredFiles } from './ignored-files.ts';
import { CELL_SCHEME, fileOf, wholeOf } from './notebook.ts';
import { textOf } from './text-of.ts';

/** Open files that are looked at. */
const OPEN_FILES = 20;
/** Imports that are looked up, since most may be of packages, and that are taken. */
const LOOKED_UP = 16;
const IMPORTS = 6;
/** Definitions that the language server is asked for. */
const DEFINITIONS = 3;
/** Of a declaration, from its first line on. */
const DECLARATION_LINES = 12;
/** Documents whose order of pieces is remembered. */
const LISTS = 8;

interface Shown {
  cursor: Cursor;
  /** What the prompt shows of its document. */
  shown: string;
}
interface HostFile extends ContextFile {
  uri: vscode.Uri;
}
type HostPiece = HostFile & FoundPiece;

export class CompletionContext implements vscode.Disposable {
  private readonly recent = new RecentWork();
  private readonly similar = new SimilarParts();
  private readonly lists = new Map<string, ContextList>();
  private readonly ignored = new IgnoredFiles();
  private readonly parts = [
    this.ignored,
    vscode.workspace.onDidChangeTextDocument(({ document, contentChanges }) => {
      const change = contentChanges.at(-1);
      if (!change || !isOfFile(document.uri)) return;
      const { line } = change.range.start;
      this.recent.edited(sourceOf(document.uri), line, linesAround(document, line));
    }),
    // Called when something is copied in an editor. The clipboard itself, which other programs fill, is never read.
    vscode.languages.registerDocumentPasteEditProvider(
      [{ scheme: 'file' }, { scheme: CELL_SCHEME }],
      { prepareDocumentPaste: (document, ranges) => this.noteCopy(document, ranges) },
      { providedPasteEditKinds: [], copyMimeTypes: ['text/plain'] },
    ),
  ];

  /** Pieces of other files for a cursor, in an order that stays. */
  async filesFor(
    document: vscode.TextDocument,
    position: vscode.Position,
    { cursor, shown }: Shown,
    budgetChars: number,
  ): Promise<readonly ContextFile[]> {
    if (budgetChars === 0 || !isOfFile(document.uri)) return [];
    const sources: ((signal: AbortSignal) => Promise<HostPiece[]>)[] = [
      () => recentPieces(this.recent.filesFor(cursor.uri, shown)),
      signal => declarations(document, position, shown, signal),
      async signal => this.mostSimilar(await related(document, signal), cursor, signal),
      async signal => {
        const pieces = await this.mostSimilar(await openFiles(cursor.uri), cursor, signal);
        return pieces.sort((a, b) => b.score - a.score);
      },
    ];
    // Whether a file is ignored is asked of the disk, so that is part of what has its time.
    const allowed = sources.map(find => ({
      find: async (signal: AbortSignal) => this.withoutIgnored(await find(signal)),
    }));
    return this.list(cursor.uri).choose(await gather(allowed, monotonicClock), budgetChars);
  }

  dispose(): void {
    for (const part of this.parts) part.dispose();
  }

  /** Of each file the part that speaks of the same things as the cursor's surroundings. */
  private async mostSimilar(
    files: readonly HostFile[],
    { before }: Cursor,
    signal: AbortSignal,
  ): Promise<(HostPiece & { score: number })[]> {
    const wanted = wordsNear(before);
    const pieces: (HostPiece & { score: number })[] = [];
    for (const file of files) {
      const key = file.uri.toString();
      // Reading a text anew takes a while: keys, and the timer that breaks this off, have their turn before.
      if (!this.similar.isRead(key, file.text)) await new Promise(resolve => setImmediate(resolve));
      if (signal.aborted) break;
      const part = this.similar.find(key, file.text, wanted);
      if (part) pieces.push({ ...file, whole: file.text, ...part });
    }
    return pieces;
  }

  private async withoutIgnored(files: readonly HostPiece[]): Promise<HostPiece[]> {
    const isIgnored = await Promise.all(files.map(({ uri }) => this.ignored.has(uri)));
    return files.filter((_, i) => !isIgnored[i]);
  }

  private noteCopy(document: vscode.TextDocument, ranges: readonly vscode.Range[]): void {
    this.recent.copy(sourceOf(document.uri), ranges.map(range => document.getText(range)).join('\n'));
  }

  private list(uri: string): ContextList {
    const list = this.lists.get(uri) ?? new ContextList();
    this.lists.delete(uri);
    this.lists.set(uri, list);
    if (this.lists.size > LISTS) this.lists.delete(this.lists.keys().next().value!);
    return list;
  }
}

/** Not the whole text: this happens at every key. */
function linesAround(document: vscode.TextDocument, line: number): string {
  const last = Math.min(document.lineCount - 1, line + EDIT_LINES);
  const end = document.lineAt(last).range.end;
  return document.getText(new vscode.Range(new vscode.Position(Math.max(0, line - EDIT_LINES), 0), end));
}

const isOfFile = (uri: vscode.Uri): boolean => fileOf(uri).scheme === 'file';
const pathOf = (uri: vscode.Uri): string => vscode.workspace.asRelativePath(fileOf(uri), false);
const sourceOf = (uri: vscode.Uri) => ({ uri: uri.toString(), path: pathOf(uri) });

/** As far as the files can still be read. */
async function recentPieces(pieces: readonly RecentPiece[]): Promise<HostPiece[]> {
  const found = await Promise.all(
    pieces.map(async ({ uri: address, path, text }) => {
      const uri = vscode.Uri.parse(address);
      const whole = await textOf(uri);
      return whole === null ? [] : [{ uri, path, text, whole }];
    }),
  );
  return found.flat();
}

/** What the language server knows of the names on the cursor's line and the line above. */
async function declarations(
  document: vscode.TextDocument,
  position: vscode.Position,
  shown: string,
  signal: AbortSignal,
): Promise<HostPiece[]> {
  const places = namesBefore(document, position).slice(0, DEFINITIONS);
  const found = await Promise.all(
    places.map(place =>
      vscode.commands.executeCommand<(vscode.Location | vscode.LocationLink)[]>(
        'vscode.executeDefinitionProvider',
        document.uri,
        place,
      ),
    ),
  );
  const own = fileOf(document.uri).toString();
  const files: HostPiece[] = [];
  for (const location of found.flatMap(locations => locations ?? [])) {
    if (signal.aborted) break;
    const [uri, range] =
      'uri' in location ? [location.uri, location.range] : [location.targetUri, location.targetRange];
    if (!isOfFile(uri)) continue;
    const text = await textOf(uri);
    if (text === null) continue;
    const lines = text.split('\n').slice(range.start.line, range.start.line + DECLARATION_LINES);
    if (fileOf(uri).toString() === own && isShown(lines[0] ?? '', shown)) continue;
    files.push({ uri, path: pathOf(uri), text: lines.join('\n'), whole: text });
  }
  return files;
}

/** Each name where it stands last. */
function namesBefore(document: vscode.TextDocument, position: vscode.Position): vscode.Position[] {
  const places = new Map<string, vscode.Position>();
  for (const line of [position.line, position.line - 1].filter(number => number >= 0)) {
    const text = document.lineAt(line).text.slice(0, line === position.line ? position.character : undefined);
    for (const { name, index } of namesIn(text).reverse())
      if (!places.has(name)) places.set(name, new vscode.Position(line, index));
  }
  return [...places.values()];
}

/** Files that this one imports, and its test or what it tests. */
async function related(document: vscode.TextDocument, signal: AbortSignal): Promise<HostFile[]> {
  const folder = vscode.workspace.getWorkspaceFolder(fileOf(document.uri));
  if (!folder) return [];
  const path = posix.normalize(pathOf(document.uri));
  const imports = importedPaths(path, wholeOf(document), await aliasesOf(folder)).slice(0, LOOKED_UP);
  const [counterpart, ...imported] = await Promise.all(
    [counterparts(path), ...imports].map(paths => firstOf(folder, paths, signal)),
  );
  return [...imported.filter(file => file !== null).slice(0, IMPORTS), ...(counterpart ? [counterpart] : [])];
}

/** By the configuration in the folder's root. */
async function aliasesOf(folder: vscode.WorkspaceFolder): Promise<PathAliases | null> {
  for (const name of ['tsconfig.json', 'jsconfig.json']) {
    const text = await textOf(vscode.Uri.joinPath(folder.uri, name));
    if (text !== null) return pathAliases(text, '');
  }
  return null;
}

async function firstOf(
  folder: vscode.WorkspaceFolder,
  paths: readonly string[],
  signal: AbortSignal,
): Promise<HostFile | null> {
  for (const path of paths.filter(each => !each.startsWith('..') && !isUnfitName(each))) {
    if (signal.aborted) break;
    const uri = vscode.Uri.joinPath(folder.uri, path);
    const text = await textOf(uri);
    if (text !== null) return { uri, path, text };
  }
  return null;
}

/** Other files in the editor's tabs. */
async function openFiles(own: string): Promise<HostFile[]> {
  const uris = tabs().filter(
    uri => uri.toString() !== own && uri.scheme === 'file' && !isUnfitName(pathOf(uri)),
  );
  const files = await Promise.all(
    uris.slice(-OPEN_FILES).map(async uri => ({ uri, path: pathOf(uri), text: await textOf(uri) })),
  );
  return files.flatMap(({ text, ...file }) => (text === null ? [] : [{ ...file, text }]));
}

/** What language servers and extensions have opened besides is not the user's. */
const tabs = (): vscode.Uri[] =>
  vscode.window.tabGroups.all
    .flatMap(group => group.tabs)
    .flatMap(({ input }) => (input instanceof vscode.TabInputText ? [input.uri] : []));
