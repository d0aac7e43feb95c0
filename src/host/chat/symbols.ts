/** Symbols of the workspace, by the language's own index: which fit a name, and which lines one has. */
import * as vscode from 'vscode';
import { MoebiusError } from '../../base/errors.ts';
import type { Suggestion } from '../../protocol/webview.ts';
import { workspacePath } from '../workspace-path.ts';

const SHOWN_SYMBOLS = 6;
/** Of a single letter there are too many. */
const SHORTEST_QUERY = 2;
/** A language server that is still loading must not hold up the files in the same list. */
const WAIT_MS = 800;
/** Where the language does not say where a symbol ends. */
const FALLBACK_LINES = 40;

export async function suggestSymbols(query: string): Promise<Suggestion[]> {
  if (query.length < SHORTEST_QUERY || /[./]/.test(query)) return [];
  const found = Promise.resolve(
    vscode.commands.executeCommand<vscode.SymbolInformation[]>(
      'vscode.executeWorkspaceSymbolProvider',
      query,
    ),
  ).catch(() => []);
  const late = new Promise<vscode.SymbolInformation[]>(resolve => setTimeout(resolve, WAIT_MS, []));
  const symbols = (await Promise.race([found, late])) ?? [];
  return symbols
    .filter(({ location }) => vscode.workspace.getWorkspaceFolder(location.uri))
    .slice(0, SHOWN_SYMBOLS)
    .map(({ name, location }) => {
      const path = workspacePath(location.uri);
      const line = location.range.start.line + 1;
      return { kind: 'symbol', label: name, detail: `${path}:${line}`, path, line };
    });
}

/**
 * The whole lines of the symbol that begins at a line (from 1).
 * @throws MoebiusError `not-found` for a line that the file does not have
 */
export async function symbolRange(document: vscode.TextDocument, line: number): Promise<vscode.Range> {
  const first = line - 1;
  if (first >= document.lineCount) {
    const path = workspacePath(document.uri);
    throw new MoebiusError('not-found', `${path} has no line ${line} any more.`);
  }
  const symbols = await vscode.commands.executeCommand<(vscode.DocumentSymbol | vscode.SymbolInformation)[]>(
    'vscode.executeDocumentSymbolProvider',
    document.uri,
  );
  const here = rangesOf(symbols ?? []).find(range => range.start.line === first);
  const last = here?.end.line ?? Math.min(first + FALLBACK_LINES, document.lineCount) - 1;
  return new vscode.Range(first, 0, last, document.lineAt(last).text.length);
}

/** Parents before their children: where both begin on one line, the whole is meant. */
function rangesOf(symbols: readonly (vscode.DocumentSymbol | vscode.SymbolInformation)[]): vscode.Range[] {
  return symbols.flatMap(symbol =>
    'location' in symbol ? [symbol.location.range] : [symbol.range, ...rangesOf(symbol.children)],
  );
}
