/** Which lines of a document a command works on: the selection, else the function around the cursor. */
import * as vscode from 'vscode';
import { enclosingBlock, leadingLine } from '../../agent/code/enclosing-block.ts';
import { MoebiusError } from '../../base/errors.ts';
import { workspacePath } from '../workspace-path.ts';

export interface Target {
  document: vscode.TextDocument;
  /** Whole lines, without the last line's end. */
  range: vscode.Range;
  /** With `\n` line ends. */
  code: string;
  /** `src/app.ts:10-24`. */
  label: string;
}

/** More is beyond what a small model rewrites without mistakes, and minutes of writing. */
const LONGEST_LINES = 300;
const FUNCTIONS = new Set([
  vscode.SymbolKind.Function,
  vscode.SymbolKind.Method,
  vscode.SymbolKind.Constructor,
]);
const CONTAINERS = new Set([
  vscode.SymbolKind.Class,
  vscode.SymbolKind.Interface,
  vscode.SymbolKind.Struct,
  vscode.SymbolKind.Enum,
]);

/** Throws `bad-request` without an editor, without code at the cursor unless it `mayBeBlank`, and when it is too long. */
export async function activeTarget(
  uri?: vscode.Uri,
  range?: vscode.Range,
  mayBeBlank = false,
): Promise<Target> {
  const editor = vscode.window.activeTextEditor;
  const document = uri ? await vscode.workspace.openTextDocument(uri) : editor?.document;
  if (!document) throw new MoebiusError('bad-request', 'Open a file and select the code that this is about.');
  const selection =
    range ?? (editor?.document === document ? editor.selection : new vscode.Range(0, 0, 0, 0));
  return targetAt(document, selection, mayBeBlank);
}

async function targetAt(
  document: vscode.TextDocument,
  selection: vscode.Range,
  mayBeBlank: boolean,
): Promise<Target> {
  const found = selection.isEmpty ? await functionAround(document, selection.start, mayBeBlank) : selection;
  const lines = found ?? (mayBeBlank ? selection : null);
  if (!lines)
    throw new MoebiusError('bad-request', 'There is no code at the cursor. Select some and try again.');
  // A selection that ends at the start of a line does not mean that line.
  const last =
    lines.end.character === 0 && lines.end.line > lines.start.line ? lines.end.line - 1 : lines.end.line;
  if (last - lines.start.line >= LONGEST_LINES) {
    const count = last - lines.start.line + 1;
    throw new MoebiusError(
      'bad-request',
      `That are ${count} lines; the model works on ${LONGEST_LINES} at most. Select less.`,
    );
  }
  const range = new vscode.Range(lines.start.line, 0, last, document.lineAt(last).text.length);
  const path = workspacePath(document.uri);
  return {
    document,
    range,
    code: document.getText(range).replaceAll('\r\n', '\n'),
    label: `${path}:${range.start.line + 1}-${range.end.line + 1}`,
  };
}

async function functionAround(
  document: vscode.TextDocument,
  position: vscode.Position,
  mayBeBlank: boolean,
): Promise<vscode.Range | null> {
  const lines = Array.from({ length: document.lineCount }, (_, line) => document.lineAt(line).text);
  // Between the methods of a class one more is wanted, and not another class.
  const isForNew = mayBeBlank && lines[position.line]!.trim() === '';
  const symbol = await symbolAround(document, position, isForNew ? [FUNCTIONS] : [FUNCTIONS, CONTAINERS]);
  if (symbol) return symbol.with(new vscode.Position(leadingLine(lines, symbol.start.line), 0));
  const block = enclosingBlock(lines, position.line);
  return block && new vscode.Range(block.first, 0, block.last, lines[block.last]!.length);
}

/** The innermost of the first kinds that are there. */
async function symbolAround(
  document: vscode.TextDocument,
  position: vscode.Position,
  kinds: readonly ReadonlySet<vscode.SymbolKind>[],
): Promise<vscode.Range | null> {
  const found = await vscode.commands.executeCommand<(vscode.DocumentSymbol | vscode.SymbolInformation)[]>(
    'vscode.executeDocumentSymbolProvider',
    document.uri,
  );
  const around = flatten(found ?? []).filter(symbol => symbol.range.contains(position));
  // Innermost last: the list is in document order, children after their parents.
  const ofKinds = kinds.map(these => around.filter(({ kind }) => these.has(kind)).at(-1));
  return ofKinds.find(one => one !== undefined)?.range ?? null;
}

function flatten(
  symbols: readonly (vscode.DocumentSymbol | vscode.SymbolInformation)[],
): { kind: vscode.SymbolKind; range: vscode.Range }[] {
  return symbols.flatMap(symbol =>
    'location' in symbol
      ? [{ kind: symbol.kind, range: symbol.location.range }]
      : [{ kind: symbol.kind, range: symbol.range }, ...flatten(symbol.children)],
  );
}
