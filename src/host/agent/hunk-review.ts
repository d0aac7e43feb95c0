/**
 * Review of what the model changed, in the changed document itself: a lens above each hunk keeps or undoes it, and so do keys; what is
 * gone stands struck through at its end. Where the hunks are follows from the document as it is; one that the user edits is theirs from then on, and their own changes are none of its business.
 * What is not decided about is there again after a reload of the window; a file that is saved without any of it is decided about.
 */
import * as vscode from 'vscode';
import { MoebiusError } from '../../base/errors.ts';
import { clearUnsavedMark } from './documents.ts';
import {
  type Hunk,
  hunkKey,
  hunksOf,
  removedText,
  reviewAfter,
  reviewAfterKeep,
  reviewAfterUndo,
  withHunkKept,
} from './hunks.ts';
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
  readonly #removed = vscode.window.createTextEditorDecorationType({
    after: {
      margin: '0 0 0 2em',
      color: new vscode.ThemeColor('descriptionForeground'),
      backgroundColor: new vscode.ThemeColor('diffEditor.removedTextBackground'),
      textDecoration: 'line-through',
    },
  });
  readonly #parts: vscode.Disposable[];

  constructor(store: ReviewStore, warn: (message: string, cause: unknown) => void) {
    this.#store = store;
    this.#warn = warn;
    this.#parts = [
      this.#changed,
      this.#added,
      this.#removed,
      vscode.languages.registerCodeLensProvider('*', this),
      vscode.window.onDidChangeVisibleTextEditors(() => this.#draw()),
      vscode.window.onDidChangeActiveTextEditor(() => this.#draw()),
      vscode.workspace.onDidChangeTextDocument(({ document, contentChanges }) => {
        if (contentChanges.length > 0 && this.#reviews.has(document.uri.toString())) this.#show();
      }),
      // Not when it changes: until an open document has taken the model's change from disk, there is none of it in it.
      vscode.workspace.onDidSaveTextDocument(document => this.#settle(document)),
    ];
    void this.#restore();
  }

  /** A file that the model has changed. What is not decided about from earlier stays so. */
  add(uri: vscode.Uri, textBefore: string, textAfter: string): void {
    this.follow(uri, textBefore, textAfter);
    this.#save();
  }

  /** The same while the model is still at it: not yet kept for after a reload. */
  follow(uri: vscode.Uri, textBefore: string, textAfter: string): void {
    const key = uri.toString();
    const review = reviewAfter(this.#reviews.get(key), withLineFeeds(textBefore), withLineFeeds(textAfter));
    // Newest last: the oldest is forgotten first.
    this.#reviews.delete(key);
    if (review.keys.size > 0) this.#reviews.set(key, review);
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

  /** The hunk at a line (from 0); without one, at the cursor, which then goes to the next. */
  async keep(uri?: vscode.Uri, line?: number): Promise<void> {
    const { document, hunk } = await this.#find(uri, line);
    const key = document.uri.toString();
    const { before, keys } = this.#reviews.get(key)!;
    this.#reviews.set(key, { before: withHunkKept(before, hunk), keys });
    this.#save();
    this.#settle(document);
    if (line === undefined) this.#goOn(document, hunk);
  }

  async undo(uri?: vscode.Uri, line?: number): Promise<void> {
    const { document, hunk } = await this.#find(uri, line);
    await this.#putBack(document, [hunk]);
    if (line === undefined) this.#goOn(document, hunk);
  }

  /** Puts the cursor on the next hunk (`step` -1: the one before) of the active file, else of the next file that has one. */
  async go(step: 1 | -1): Promise<void> {
    const editor = vscode.window.activeTextEditor;
    const line = editor?.selection.active.line ?? 0;
    const here = editor ? this.#hunks(editor.document) : [];
    const near =
      step > 0 ? here.find(({ start }) => start > line) : here.findLast(({ start }) => start < line);
    if (editor && near) return reveal(editor, near);
    const uris = [...this.#reviews.keys()];
    const known = editor ? uris.indexOf(editor.document.uri.toString()) : -1;
    const from = known < 0 && step > 0 ? -1 : Math.max(0, known);
    // The other files in turn; at last the active one from its other end.
    for (let distance = 1; distance <= uris.length; distance++) {
      const uri = vscode.Uri.parse(uris.at((from + step * distance) % uris.length)!);
      const document = await vscode.workspace.openTextDocument(uri).then(undefined, () => null);
      const hunks = document ? this.#hunks(document) : [];
      const first = step > 0 ? hunks[0] : hunks.at(-1);
      if (document && first) return reveal(await vscode.window.showTextDocument(document), first);
    }
    throw nothingHere();
  }

  /** Puts the cursor on the first hunk from a line on. */
  showFirst(editor: vscode.TextEditor, line: number): void {
    const hunk = this.#hunks(editor.document).find(({ start }) => start >= line);
    if (hunk) reveal(editor, hunk);
  }

  /** The next hunk of this file after one that was decided about, so that keys alone lead through all of them. */
  #goOn(document: vscode.TextDocument, { start }: Hunk): void {
    const editor = vscode.window.activeTextEditor;
    if (editor?.document !== document) return;
    const isLater = this.#hunks(document).some(hunk => hunk.start >= start);
    this.showFirst(editor, isLater ? start : 0);
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
    // On disk before, on disk now; what was unsaved stays the user's to save, unless nothing of it is left.
    if (wasSaved) await document.save();
    else await clearUnsavedMark(document);
    if (!document.isDirty) this.#settle(document);
  }

  /** Every hunk of a file, by default the active one. */
  keepFile(uri = vscode.window.activeTextEditor?.document.uri): void {
    if (!uri || !this.#reviews.has(uri.toString())) throw nothingHere();
    this.forget(uri);
  }

  /** The user keeps what made `to` of `from`, in a file that says `now`. What is not decided about besides stays so. */
  keepChange(uri: vscode.Uri, from: string, to: string, now: string): void {
    const texts = [from, to, now].map(withLineFeeds) as [string, string, string];
    this.#replace(uri, texts[2], review => reviewAfterKeep(review, ...texts));
  }

  /** The file was put back from one text to an earlier one. What was not decided about before that stays so. */
  undoChange(uri: vscode.Uri, from: string, to: string): void {
    const texts = [from, to].map(withLineFeeds) as [string, string];
    this.#replace(uri, texts[1], review => reviewAfterUndo(review, ...texts));
  }

  /** Where nothing is left to decide in the text of `now`, which an open document may not have taken yet, the review is over. */
  #replace(uri: vscode.Uri, now: string, next: (review: Review) => Review): void {
    const review = this.#reviews.get(uri.toString());
    if (!review) return;
    const { before, keys } = next(review);
    if (hunksOf(before, now).some(hunk => keys.has(hunkKey(hunk))))
      this.#reviews.set(uri.toString(), { before, keys });
    else this.#reviews.delete(uri.toString());
    this.#save();
    this.#show();
  }

  /** Whatever there is of it, it is decided about. */
  forget(uri: vscode.Uri): void {
    if (this.#reviews.delete(uri.toString())) this.#save();
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
  #settle(document: vscode.TextDocument): void {
    if (!this.#reviews.has(document.uri.toString())) return;
    if (this.#hunks(document).length === 0) this.forget(document.uri);
    else this.#show();
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
      const hunks = this.#hunks(editor.document);
      const added = hunks.filter(({ start, end }) => end > start);
      editor.setDecorations(
        this.#added,
        added.map(({ start, end }) => new vscode.Range(start, 0, end - 1, 0)),
      );
      editor.setDecorations(
        this.#removed,
        hunks.filter(({ before }) => before !== '').map(hunk => removedMark(editor.document, hunk)),
      );
    }
    const active = vscode.window.activeTextEditor?.document;
    const isHere = active !== undefined && this.#hunks(active).length > 0;
    void vscode.commands.executeCommand('setContext', 'moebius.review.isHere', isHere);
  }
}

const nothingHere = (): MoebiusError =>
  new MoebiusError('not-found', 'There is no change of the model here that is not decided about.');

function reveal(editor: vscode.TextEditor, { start, end }: Hunk): void {
  editor.selection = new vscode.Selection(start, 0, start, 0);
  editor.revealRange(
    new vscode.Range(start, 0, end, 0),
    vscode.TextEditorRevealType.InCenterIfOutsideViewport,
  );
}

/** An editor can't show lines that its document does not have: their beginning stands behind a line, the rest in its hover. */
function removedMark(document: vscode.TextDocument, hunk: Hunk): vscode.DecorationOptions {
  const line = Math.min(hunk.start, document.lineCount - 1);
  const { end } = document.lineAt(line).range;
  return {
    range: new vscode.Range(end, end),
    hoverMessage: new vscode.MarkdownString().appendCodeblock(hunk.before, document.languageId),
    renderOptions: { after: { contentText: removedText(hunk) } },
  };
}

function lens(range: vscode.Range, title: string, command: string, ...args: unknown[]): vscode.CodeLens {
  return new vscode.CodeLens(range, { title, command, arguments: args });
}

const withLineFeeds = (text: string): string => text.replaceAll('\r\n', '\n');
