/**
 * Review of what the agent changed, in the changed document itself: a lens above each hunk keeps or undoes it. Where the hunks are
 * follows from the document as it is; one that the user edits is theirs from then on, and their own changes are none of its business.
 * What is not decided about is there again after a reload of the window.
 */
import * as vscode from 'vscode';
import { MoebiusError } from '../../base/errors.ts';
import { type Hunk, hunkKey, hunksOf, withHunkKept } from './hunks.ts';
import type { Review, ReviewStore } from './review-store.ts';

export class HunkReview implements vscode.CodeLensProvider, vscode.Disposable {
  /** By URI. */
  readonly #reviews = new Map<string, Review>();
  readonly #store: ReviewStore;
  readonly #warn: (message: string, cause: unknown) => void;
  readonly #changed = new vscode.EventEmitter<void>();
  readonly onDidChangeCodeLenses = this.#changed.event;
  readonly #added = vscode.window.createTextEditorDecorationType({
    isWholeLine: true,
    backgroundColor: new vscode.ThemeColor('diffEditor.insertedLineBackground'),
    overviewRulerColor: new vscode.ThemeColor('editorOverviewRuler.addedForeground'),
  });
  readonly #parts: vscode.Disposable[];

  constructor(store: ReviewStore, warn: (message: string, cause: unknown) => void) {
    this.#store = store;
    this.#warn = warn;
    this.#parts = [
      this.#changed,
      this.#added,
      vscode.languages.registerCodeLensProvider({ scheme: 'file' }, this),
      vscode.window.onDidChangeVisibleTextEditors(() => this.#draw()),
      vscode.workspace.onDidChangeTextDocument(({ document }) => {
        if (this.#reviews.has(document.uri.toString())) this.#settle();
      }),
    ];
    void this.#restore();
  }

  /** A file that the agent has changed. What is not decided about from earlier turns stays so. */
  add(uri: vscode.Uri, textBefore: string, textAfter: string): void {
    const before = this.#reviews.get(uri.toString())?.before ?? withLineFeeds(textBefore);
    const keys = new Set(hunksOf(before, withLineFeeds(textAfter)).map(hunkKey));
    // Newest last: the oldest is forgotten first.
    this.#reviews.delete(uri.toString());
    this.#reviews.set(uri.toString(), { before, keys });
    this.#save();
    // An open document takes what is new on disk in a moment, and is no different from before until then.
    this.#show();
  }

  provideCodeLenses(document: vscode.TextDocument): vscode.CodeLens[] {
    const hunks = this.#hunks(document);
    const lenses = hunks.flatMap(hunk => {
      const range = new vscode.Range(hunk.start, 0, hunk.start, 0);
      const gone = hunk.before.split('\n').length - 1;
      const what = hunk.now === '' ? ` (${gone} ${gone === 1 ? 'line' : 'lines'} removed here)` : '';
      return [
        lens(range, `Keep${what}`, 'moebius.review.keep', document.uri, hunk.start),
        lens(range, 'Undo', 'moebius.review.undo', document.uri, hunk.start),
      ];
    });
    const top = new vscode.Range(0, 0, 0, 0);
    if (hunks.length < 2) return lenses;
    return [
      lens(top, `Keep all ${hunks.length} changes`, 'moebius.review.keepFile', document.uri),
      lens(top, 'Undo all', 'moebius.review.undoFile', document.uri),
      ...lenses,
    ];
  }

  /** The hunk at a line (from 0); without one, at the cursor. */
  async keep(uri?: vscode.Uri, line?: number): Promise<void> {
    const { document, hunk } = await this.#find(uri, line);
    const key = document.uri.toString();
    const { before, keys } = this.#reviews.get(key)!;
    this.#reviews.set(key, { before: withHunkKept(before, hunk), keys });
    this.#save();
    this.#settle();
  }

  async undo(uri?: vscode.Uri, line?: number): Promise<void> {
    const { document, hunk } = await this.#find(uri, line);
    await this.#putBack(document, [hunk]);
  }

  /** Every hunk of a file, by default the active one, that is not decided about. */
  async undoFile(uri?: vscode.Uri): Promise<void> {
    const document = uri
      ? await vscode.workspace.openTextDocument(uri)
      : vscode.window.activeTextEditor?.document;
    const hunks = document ? this.#hunks(document) : [];
    if (!document || hunks.length === 0) throw nothingHere();
    await this.#putBack(document, hunks);
  }

  /** In one edit, so that one step of the editor's own undo brings it back. */
  async #putBack(document: vscode.TextDocument, hunks: readonly Hunk[]): Promise<void> {
    const eol = document.eol === vscode.EndOfLine.CRLF ? '\r\n' : '\n';
    const wasSaved = !document.isDirty;
    const edit = new vscode.WorkspaceEdit();
    for (const { start, end, before } of hunks) {
      edit.replace(document.uri, new vscode.Range(start, 0, end, 0), before.replaceAll('\n', eol));
    }
    if (!(await vscode.workspace.applyEdit(edit))) {
      throw new MoebiusError('busy', 'The editor did not accept the change. Is the file read-only?');
    }
    // On disk before, on disk now; what was unsaved stays the user's to save.
    if (wasSaved) await document.save();
  }

  /** Everything in a file, by default the active one, is decided about. */
  keepFile(uri?: vscode.Uri): void {
    const key = (uri ?? vscode.window.activeTextEditor?.document.uri)?.toString();
    if (key && this.#reviews.delete(key)) this.#save();
    this.#show();
  }

  dispose(): void {
    for (const part of this.#parts) part.dispose();
  }

  #hunks(document: vscode.TextDocument): Hunk[] {
    const review = this.#reviews.get(document.uri.toString());
    if (!review) return [];
    const hunks = hunksOf(review.before, withLineFeeds(document.getText()));
    return hunks.filter(hunk => review.keys.has(hunkKey(hunk)));
  }

  async #find(uri?: vscode.Uri, line?: number): Promise<{ document: vscode.TextDocument; hunk: Hunk }> {
    const editor = vscode.window.activeTextEditor;
    const document = uri ? await vscode.workspace.openTextDocument(uri) : editor?.document;
    const at = line ?? editor?.selection.active.line ?? 0;
    const hunk =
      document &&
      this.#hunks(document).find(({ start, end }) => at >= start && at < Math.max(end, start + 1));
    if (!document || !hunk) throw nothingHere();
    return { document, hunk };
  }

  /** Where nothing is left to decide, the review is over. */
  #settle(): void {
    for (const document of vscode.workspace.textDocuments) {
      const key = document.uri.toString();
      if (this.#reviews.has(key) && this.#hunks(document).length === 0) this.keepFile(document.uri);
    }
    this.#show();
  }

  /** What this window has added meanwhile is newer. */
  async #restore(): Promise<void> {
    for (const [uri, review] of await this.#store.load())
      if (!this.#reviews.has(uri)) this.#reviews.set(uri, review);
    this.#show();
  }

  #save(): void {
    this.#store.save(this.#reviews).catch(error => this.#warn('review: it can not be kept', error));
  }

  #show(): void {
    this.#changed.fire();
    this.#draw();
  }

  #draw(): void {
    for (const editor of vscode.window.visibleTextEditors) {
      const ranges = this.#hunks(editor.document)
        .filter(({ start, end }) => end > start)
        .map(({ start, end }) => new vscode.Range(start, 0, end - 1, 0));
      editor.setDecorations(this.#added, ranges);
    }
  }
}

const nothingHere = (): MoebiusError =>
  new MoebiusError('not-found', 'There is no change of the agent here that is not decided about.');

function lens(range: vscode.Range, title: string, command: string, ...args: unknown[]): vscode.CodeLens {
  return new vscode.CodeLens(range, { title, command, arguments: args });
}

const withLineFeeds = (text: string): string => text.replaceAll('\r\n', '\n');
