/**
 * After a name was changed: where the old one still stands in code, in the document, in files where it is marked as wrong
 * now, and in files that import it from there.
 */
import * as vscode from 'vscode';
import { importedPaths } from '../../completion/context/related.ts';
import { isUnfitName } from '../../completion/context/unfit.ts';
import {
  isOwnName,
  mentionsOfImport,
  namesAt,
  nextAfter,
  occurrencesOf,
  type Rename,
} from '../../completion/next-edit.ts';
import { meantBy } from '../../completion/next-edit-scope.ts';
import type { Grammars } from '../../completion/syntax/grammars.ts';
import { tokenOf } from '../report.ts';
import { textOf } from '../text-of.ts';
import type { Place } from './place.ts';

/** Files with problems that are looked at. */
const FILES = 20;
/** Files of the workspace, of the same kind, that are searched for the name. */
const SEARCHED = 300;
const FOREIGN = '**/{node_modules,.git,dist,build,out,target,vendor,__pycache__,.venv,venv}/**';
/** The user has paused, and the largest document that is watched takes half of it. */
const PARSE_MS = 300;

interface Renamed {
  /** In which the name was changed. */
  home: vscode.TextDocument;
  rename: Rename;
  grammars: Grammars;
}
interface Renaming extends Renamed {
  /** Of one function: it is in no other file, but where a call names the parameter. */
  isLocal: boolean;
  isKeyword: boolean;
  /**
   * By address the offsets that were found wrong, once any was. The language server takes a moment after each edit, and
   * when none is left the others mean something else.
   */
  marked: Map<string, readonly number[]>;
}
/** Where places are looked for: a document, or a file that is none of the editor's yet. */
interface Source {
  uri: vscode.Uri;
  text: string;
  languageId: string;
}

/** The next place after the one that was changed; none where it was no name: a keyword, a word in a comment or a string. */
export async function firstRenamePlace(renamed: Renamed, signal: AbortSignal): Promise<Place | null> {
  const { home, rename, grammars } = renamed;
  const { languageId } = home;
  await grammars.load(languageId);
  const [text, syntax] = [home.getText(), grammars.within(PARSE_MS)];
  if (!isOwnName(rename, text, languageId, syntax)) return null;
  const { isLocal = false, isKeyword = false } = meantBy(rename, text, languageId, syntax) ?? {};
  const renaming = { ...renamed, isLocal, isKeyword, marked: new Map() };
  return renamePlace(renaming, home, rename.offset + rename.to.length, signal);
}

/** The next place in `document` from offset `from` on; when there is none, the first one in another. */
async function renamePlace(
  renaming: Renaming,
  document: vscode.TextDocument,
  from: number,
  signal: AbortSignal,
): Promise<Place | null> {
  const offset = nextAfter(await placesIn(renaming, sourceOf(document)), from);
  if (offset !== null) return placeAt(renaming, document, offset);
  for await (const other of otherSources(renaming, signal)) {
    if (signal.aborted) return null;
    if (isSame(other.uri, document.uri) || (await placesIn(renaming, other)).length === 0) continue;
    // Only now it becomes a document of the editor's, which every extension hears of.
    const opened = await vscode.workspace.openTextDocument(other.uri);
    const [first] = await placesIn(renaming, sourceOf(opened));
    if (first !== undefined) return placeAt(renaming, opened, first);
  }
  return null;
}

function placeAt(renaming: Renaming, document: vscode.TextDocument, offset: number): Place {
  const { from, to } = renaming.rename;
  return {
    document,
    range: new vscode.Range(document.positionAt(offset), document.positionAt(offset + from.length)),
    text: to,
    next: signal => renamePlace(taken(renaming, document, offset), document, offset + to.length, signal),
  };
}

/** After the edit at `offset` of `document`, which has moved what stands below it. */
function taken(renaming: Renaming, { uri }: vscode.TextDocument, offset: number): Renaming {
  const { home, rename, marked } = renaming;
  const moved = (at: number) => (at > offset ? at + rename.to.length - rename.from.length : at);
  const key = uri.toString();
  return {
    ...renaming,
    rename: isSame(home.uri, uri) ? { ...rename, offset: moved(rename.offset) } : rename,
    marked: new Map([...marked].map(([of, offsets]) => [of, of === key ? offsets.map(moved) : offsets])),
  };
}

/**
 * Those that the language server finds wrong, where it has found any; the others may be names of something else. In the
 * document itself only what means the same by the tree: a problem with something else of that name is an older one. Else
 * all that mean the same there; in another one those that mean what it imports. Where no tree
 * tells names from other words, only what is wrong.
 */
async function placesIn(
  { home, rename, grammars, isLocal, marked }: Renaming,
  { uri, text, languageId }: Source,
): Promise<readonly number[]> {
  const all = occurrencesOf(rename.from, text);
  if (all.length === 0) return [];
  await grammars.load(languageId);
  const syntax = grammars.within(PARSE_MS);
  const namesOf = (offsets: readonly number[]) => namesAt(offsets, text, languageId, syntax);
  const isHome = isSame(uri, home.uri);
  const meant = isHome ? meantBy(rename, text, languageId, syntax)?.offsets : undefined;
  const known = marked.get(uri.toString());
  const isWrong = isProblem(uri, text, rename.from);
  const wrong = (meant ?? all).filter(offset => isWrong(offset) || known?.includes(offset));
  if (known || wrong.length > 0) {
    marked.set(uri.toString(), wrong);
    return namesOf(wrong) ?? wrong;
  }
  if (isHome) return meant ?? [];
  if (isLocal) return [];
  const isImporter = importedPaths(pathOf(uri), text).some(paths => paths.includes(pathOf(home.uri)));
  return (isImporter && namesOf(mentionsOfImport(rename.from, text))) || [];
}

/** Files with problems that name it first, then what is open, then files of the same kind in the folder. */
async function* otherSources(
  { home, rename, isLocal, isKeyword }: Renaming,
  signal: AbortSignal,
): AsyncGenerator<Source, void, undefined> {
  if (isLocal && !isKeyword) return;
  const folder = vscode.workspace.getWorkspaceFolder(home.uri);
  const seen = new Set([home.uri.toString()]);
  const isNew = (uri: vscode.Uri) => !seen.has(uri.toString()) && seen.add(uri.toString());
  const isOfWorkspace = (uri: vscode.Uri) => vscode.workspace.getWorkspaceFolder(uri) !== undefined;
  const read = async function* (uris: readonly vscode.Uri[]) {
    for (const uri of uris) {
      const text = !signal.aborted && isNew(uri) ? await textOf(uri) : null;
      const isOfKind = extensionOf(uri) === extensionOf(home.uri);
      if (text !== null) yield { uri, text, languageId: isOfKind ? home.languageId : '' };
    }
  };
  const named = vscode.languages
    .getDiagnostics()
    .filter(([uri, all]) => isOfWorkspace(uri) && all.some(({ message }) => message.includes(rename.from)));
  yield* read(named.slice(0, FILES).map(([uri]) => uri));
  if (isLocal) return;
  yield* read(vscode.workspace.textDocuments.map(({ uri }) => uri).filter(isOfWorkspace));
  const extension = extensionOf(home.uri);
  if (!folder || extension === undefined || signal.aborted) return;
  const pattern = new vscode.RelativePattern(folder, `**/*${extension}`);
  const found = await vscode.workspace.findFiles(pattern, FOREIGN, SEARCHED, tokenOf(signal));
  yield* read(found.filter(uri => !isUnfitName(pathOf(uri))));
}

const pathOf = (uri: vscode.Uri): string => vscode.workspace.asRelativePath(uri, false);
const extensionOf = ({ path }: vscode.Uri): string | undefined => /\.\w+$/.exec(path)?.[0];
const isSame = (a: vscode.Uri, b: vscode.Uri): boolean => a.toString() === b.toString();
const sourceOf = (document: vscode.TextDocument): Source => ({
  uri: document.uri,
  text: document.getText(),
  languageId: document.languageId,
});

/** Tells of an offset in `text` at which `name` stands whether it is a problem there. */
function isProblem(uri: vscode.Uri, text: string, name: string): (offset: number) => boolean {
  const places = new Set(
    vscode.languages.getDiagnostics(uri).flatMap(({ severity, range: { start, end } }) => {
      const isWhole = start.line === end.line && end.character - start.character === name.length;
      return isWhole && severity <= vscode.DiagnosticSeverity.Warning
        ? [`${start.line}:${start.character}`]
        : [];
    }),
  );
  return offset => {
    const above = places.size > 0 ? text.slice(0, offset).split('\n') : [];
    return places.has(`${above.length - 1}:${above.at(-1)?.length}`);
  };
}
