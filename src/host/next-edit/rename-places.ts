/**
 * After a name was changed: where the old one still stands in code, in the document, in files where it is marked as wrong
 * now, and in files that import it from there.
 */
import * as vscode from 'vscode';
import { importedPaths } from '../../completion/context/related.ts';
import { isUnfitName } from '../../completion/context/unfit.ts';
import {
  inCode,
  mentionsOfImport,
  nextAfter,
  occurrencesOf,
  type Rename,
} from '../../completion/next-edit.ts';
import type { Grammars } from '../../completion/syntax/grammars.ts';
import type { Place } from './place.ts';

/** Files with problems that are looked at. */
const FILES = 20;
/** Files of the workspace, of the same kind, that are searched for the name. */
const SEARCHED = 300;
const LARGEST_BYTES = 200_000;
const FOREIGN = '**/{node_modules,.git,dist,build,out,target,vendor,__pycache__,.venv,venv}/**';

/** `home`: the document in which the name was changed. */
export interface Renaming {
  home: vscode.TextDocument;
  rename: Rename;
  grammars: Grammars;
}

/** The next place after the one that was changed; none after a word in a comment or a string, which is no name. */
export async function firstRenamePlace(renaming: Renaming): Promise<Place | null> {
  const { home, rename, grammars } = renaming;
  await grammars.load(home.languageId);
  if (inCode([rename.offset], home.getText(), home.languageId, grammars).length === 0) return null;
  return renamePlace(renaming, home, rename.offset + rename.to.length);
}

/** The next place in `document` from offset `from` on; when there is none, the first one in another. */
async function renamePlace(
  renaming: Renaming,
  document: vscode.TextDocument,
  from: number,
): Promise<Place | null> {
  const offset = nextAfter(await placesIn(renaming, document), from);
  if (offset !== null) return placeAt(renaming, document, offset);
  for await (const other of otherDocuments(renaming)) {
    if (other === document) continue;
    const [first] = await placesIn(renaming, other);
    if (first !== undefined) return placeAt(renaming, other, first);
  }
  return null;
}

function placeAt(renaming: Renaming, document: vscode.TextDocument, offset: number): Place {
  const { from, to } = renaming.rename;
  return {
    document,
    range: new vscode.Range(document.positionAt(offset), document.positionAt(offset + from.length)),
    text: to,
    next: () => renamePlace(renaming, document, offset + to.length),
  };
}

/**
 * Those that the language server finds wrong, where it has found any; the others may be names of something else. Else, in
 * the document itself, all in code; in another one those that mean what it imports.
 */
async function placesIn(
  { home, rename, grammars }: Renaming,
  document: vscode.TextDocument,
): Promise<readonly number[]> {
  const text = document.getText();
  const { languageId } = document;
  if (!text.includes(rename.from)) return [];
  const wrong = problemsAt(document, rename.from).map(({ start }) => document.offsetAt(start));
  if (wrong.length > 0) return wrong.sort((a, b) => a - b);
  await grammars.load(languageId);
  if (document === home) return inCode(occurrencesOf(rename.from, text), text, languageId, grammars);
  const isImporter = importedPaths(pathOf(document.uri), text).some(paths =>
    paths.includes(pathOf(home.uri)),
  );
  const mentions = isImporter ? mentionsOfImport(rename.from, text) : [];
  return inCode(mentions, text, languageId, grammars);
}

/** Files with problems that name it first, then what is open, then files of the same kind in the folder. */
async function* otherDocuments({
  home,
  rename,
}: Renaming): AsyncGenerator<vscode.TextDocument, void, undefined> {
  const folder = vscode.workspace.getWorkspaceFolder(home.uri);
  const seen = new Set([home.uri.toString()]);
  const isNew = (uri: vscode.Uri) => !seen.has(uri.toString()) && seen.add(uri.toString());
  const isOfWorkspace = (uri: vscode.Uri) => vscode.workspace.getWorkspaceFolder(uri) !== undefined;
  const named = vscode.languages
    .getDiagnostics()
    .filter(([uri, all]) => isOfWorkspace(uri) && all.some(({ message }) => message.includes(rename.from)));
  for (const [uri] of named.slice(0, FILES)) if (isNew(uri)) yield vscode.workspace.openTextDocument(uri);
  for (const document of vscode.workspace.textDocuments)
    if (isOfWorkspace(document.uri) && isNew(document.uri)) yield document;
  const extension = /\.\w+$/.exec(home.uri.path)?.[0];
  if (!folder || extension === undefined) return;
  const pattern = new vscode.RelativePattern(folder, `**/*${extension}`);
  for (const uri of await vscode.workspace.findFiles(pattern, FOREIGN, SEARCHED))
    if (isNew(uri) && !isUnfitName(pathOf(uri)) && (await hasText(uri, rename.from)))
      yield vscode.workspace.openTextDocument(uri);
}

/** Told before it becomes a document of the editor's, which every extension hears of. */
async function hasText(uri: vscode.Uri, text: string): Promise<boolean> {
  const { size } = await vscode.workspace.fs.stat(uri);
  return (
    size <= LARGEST_BYTES && new TextDecoder().decode(await vscode.workspace.fs.readFile(uri)).includes(text)
  );
}

const pathOf = (uri: vscode.Uri): string => vscode.workspace.asRelativePath(uri, false);

/** Where the name is a problem. */
const problemsAt = (document: vscode.TextDocument, name: string): vscode.Range[] =>
  vscode.languages
    .getDiagnostics(document.uri)
    .filter(
      ({ severity, range }) =>
        severity <= vscode.DiagnosticSeverity.Warning && document.getText(range) === name,
    )
    .map(({ range }) => range);
