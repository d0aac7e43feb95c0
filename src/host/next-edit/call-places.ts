/**
 * After the parameters of a function were changed: its calls, in the document and in others, as the language server knows
 * them; where it knows none, by name in the document. A new argument is the model's; all else is moved or removed.
 */
import * as vscode from 'vscode';
import type { Backend } from '../../backends/backend.ts';
import { argumentParams } from '../../completion/argument-request.ts';
import { closerOf } from '../../completion/list.ts';
import { argumentIn, editOfCall, plainMentions, type SignatureChange } from '../../completion/signature.ts';
import type { Place } from './place.ts';

/** Calls that are looked at; more are a change for another tool. */
const MOST_CALLS = 100;
/** Of the declaration, shown to the model. */
const HEAD_LINES = 4;

export interface ChangedSignature {
  document: vscode.TextDocument;
  change: SignatureChange;
  /** Characters by which edits of calls above have moved the declaration since. */
  moved: number;
}

/** The first call from number `from` on that is not right as it is. */
export async function callPlace(
  changed: ChangedSignature,
  backend: Pick<Backend, 'complete'> | null,
  signal: AbortSignal,
  from = 0,
): Promise<Place | null> {
  // Asked anew for each: offsets move with every edit, the order of the calls does not.
  const sites = await sitesOf(changed);
  for (let i = from; i < sites.length && !signal.aborted; i++) {
    const place = await placeAt(sites[i]!, changed, backend, signal);
    if (!place) continue;
    const next = { ...changed, moved: changed.moved + shiftOf(place, changed) };
    return { ...place, next: nextSignal => callPlace(next, backend, nextSignal, i + 1) };
  }
  return null;
}

/** Characters by which the edit will move the declaration. */
function shiftOf(
  { document, range, text }: Omit<Place, 'next'>,
  { document: home, change, moved }: ChangedSignature,
): number {
  const [start, end] = [document.offsetAt(range.start), document.offsetAt(range.end)];
  return document === home && start < change.offset + moved ? text.length - (end - start) : 0;
}

/** Every mention of the function but its declaration: those below it, those above it, those in other files. */
async function sitesOf({ document, change, moved }: ChangedSignature): Promise<vscode.Location[]> {
  const { uri } = document;
  const position = document.positionAt(change.offset + moved);
  const known =
    (await vscode.commands.executeCommand<vscode.Location[] | undefined>(
      'vscode.executeReferenceProvider',
      uri,
      position,
    )) ?? [];
  const isHere = (location: vscode.Location) => location.uri.toString() === uri.toString();
  const elsewhere = known.filter(
    location => !isHere(location) && vscode.workspace.getWorkspaceFolder(location.uri) !== undefined,
  );
  const mentions = known.some(location => !location.range.contains(position))
    ? known.filter(isHere)
    : plainMentions(change.name, document.getText()).map(
        offset => new vscode.Location(uri, document.positionAt(offset)),
      );
  const starts = mentions
    .filter(({ range }) => !range.start.isEqual(position))
    .sort((a, b) => a.range.start.compareTo(b.range.start));
  const below = starts.filter(({ range }) => range.start.isAfter(position));
  const above = starts.filter(({ range }) => range.start.isBefore(position));
  return [...below, ...above, ...elsewhere].slice(0, MOST_CALLS);
}

async function placeAt(
  { uri, range }: vscode.Location,
  changed: ChangedSignature,
  backend: Pick<Backend, 'complete'> | null,
  signal: AbortSignal,
): Promise<Omit<Place, 'next'> | null> {
  const document = await vscode.workspace.openTextDocument(uri);
  const text = document.getText();
  const name = document.offsetAt(range.start);
  const head = /^[\w$]+(?:<[^<>()\n]*>)?\s*\(/.exec(text.slice(name, name + 200))?.[0];
  if (!head?.startsWith(changed.change.name)) return null;
  const open = name + head.length - 1;
  const close = closerOf(text, open);
  const edit = close === null ? null : editOfCall(text.slice(open + 1, close), changed.change);
  if (!edit || close === null) return null;
  const place = {
    document,
    range: new vscode.Range(document.positionAt(open + 1), document.positionAt(close)),
  };
  if (edit.hole === null) return { ...place, text: edit.text };
  if (!backend) return null;
  const [left, right] = [edit.text.slice(0, edit.hole), edit.text.slice(edit.hole)];
  const params = argumentParams(
    pathOf(document),
    text.slice(0, open + 1) + left,
    right + text.slice(close),
    headOf(changed),
  );
  const written = await backend.complete(params, { signal }).catch(() => null);
  const argument = written && argumentIn(written.text);
  return argument ? { ...place, text: left + argument + right } : null;
}

function headOf({ document, change, moved }: ChangedSignature): { path: string; text: string } {
  const { line } = document.positionAt(change.head + moved);
  const end = Math.min(document.lineCount, line + HEAD_LINES);
  return { path: pathOf(document), text: document.getText(new vscode.Range(line, 0, end, 0)) };
}

const pathOf = ({ uri }: vscode.TextDocument): string => vscode.workspace.asRelativePath(uri, false);
