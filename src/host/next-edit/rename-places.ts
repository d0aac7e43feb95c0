/** After a name was changed: where the old one still stands, in the document and in files where it is marked as wrong now. */
import * as vscode from 'vscode';
import { nextAfter, occurrencesOf, type Rename } from '../../completion/next-edit.ts';
import type { Place } from './place.ts';

/** Files with problems that are looked at. */
const FILES = 20;

/** The next place from offset `from` on; when there is none in the document, the first one in another. */
export async function renamePlace(
  document: vscode.TextDocument,
  rename: Rename,
  from: number,
): Promise<Place | null> {
  const offsets = occurrencesOf(rename.from, document.getText());
  const offset = nextAfter(wrongOnes(document, rename, offsets), from);
  if (offset !== null) return placeAt(document, rename, offset);
  for (const [other, wrong] of await otherFiles(document, rename))
    return placeAt(other, rename, other.offsetAt(wrong.start));
  return null;
}

function placeAt(document: vscode.TextDocument, rename: Rename, offset: number): Place {
  return {
    document,
    range: new vscode.Range(document.positionAt(offset), document.positionAt(offset + rename.from.length)),
    text: rename.to,
    next: () => renamePlace(document, rename, offset + rename.to.length),
  };
}

/** Those that the language server finds wrong, where it has found any; the others may be names of something else. */
function wrongOnes(document: vscode.TextDocument, { from }: Rename, offsets: number[]): number[] {
  const errors = problemsAt(document, vscode.languages.getDiagnostics(document.uri), from).map(({ start }) =>
    document.offsetAt(start),
  );
  const wrong = offsets.filter(offset => errors.includes(offset));
  return wrong.length > 0 ? wrong : offsets;
}

/** Where the old name is a problem now, in other files: an import of it, say. */
async function otherFiles(
  document: vscode.TextDocument,
  { from }: Rename,
): Promise<[vscode.TextDocument, vscode.Range][]> {
  const named = vscode.languages
    .getDiagnostics()
    .map(([uri, all]) => [uri, all.filter(({ message }) => message.includes(from))] as const)
    .filter(
      ([uri, all]) =>
        all.length > 0 &&
        uri.toString() !== document.uri.toString() &&
        vscode.workspace.getWorkspaceFolder(uri) !== undefined,
    )
    .slice(0, FILES);
  const found: [vscode.TextDocument, vscode.Range][] = [];
  for (const [uri, all] of named) {
    const other = await vscode.workspace.openTextDocument(uri);
    const [first] = problemsAt(other, all, from);
    if (first) found.push([other, first]);
  }
  return found;
}

const problemsAt = (
  document: vscode.TextDocument,
  problems: readonly vscode.Diagnostic[],
  name: string,
): vscode.Range[] =>
  problems
    .filter(
      ({ severity, range }) =>
        severity <= vscode.DiagnosticSeverity.Warning && document.getText(range) === name,
    )
    .map(({ range }) => range);
