/**
 * A change that the model writes into the document itself, line by line, in one step of the editor's undo and without saving. What it
 * changed is then kept or undone like any change of the model (`agent/hunk-review.ts`). What the user types meanwhile stays: around the
 * lines it moves them, in them it ends the writing.
 */
import * as vscode from 'vscode';
import { MoebiusError } from '../../base/errors.ts';
import { clearUnsavedMark } from '../agent/documents.ts';
import type { HunkReview } from '../agent/hunk-review.ts';
import type { Target } from './target.ts';
import { type Change, WrittenRegion } from './written-region.ts';

/** Texts have `\n` line ends. */
export interface Draft {
  /** Aborted when nobody waits for the rest: the user stopped it, or edited the lines. */
  readonly stopped: AbortSignal;
  /** As far as it is written. */
  show(text: string): void;
  /** Complete: from now on it waits for the user's decision. Throws `busy` if the editor does not take it. */
  finish(text: string): Promise<void>;
  /** Nothing came of it: the lines are what they were, unless the user has edited them. */
  abandon(): Promise<void>;
}

/** Often enough to be read while it grows, seldom enough for the editor to draw it. */
const REDRAW_MS = 150;
/** An edit is refused when the user typed in the same moment; then it is made anew. */
const MOST_TRIES = 5;
const WRITING = 'moebius.edit.isWriting';

export class InlineEdits implements vscode.Disposable {
  readonly #review: HunkReview;
  /** By the URI of the document. */
  readonly #running = new Map<string, InlineDraft>();
  readonly #parts: vscode.Disposable[];

  constructor(review: HunkReview) {
    this.#review = review;
    this.#parts = [
      vscode.workspace.onDidChangeTextDocument(event =>
        this.#running.get(event.document.uri.toString())?.changed(event.contentChanges),
      ),
      vscode.workspace.onDidCloseTextDocument(({ uri }) => this.#running.get(uri.toString())?.stop()),
      vscode.window.onDidChangeActiveTextEditor(() => this.#tell()),
    ];
  }

  /**
   * @throws MoebiusError `busy` while something is written into the same document, `stale` if the code is not there any more: it was
   * changed while the user said what to do, e.g. by the agent or by another branch
   */
  begin(target: Target): Draft {
    const key = target.document.uri.toString();
    if (this.#running.has(key)) {
      throw new MoebiusError('busy', 'Something is being written into this file. Stop it first (Escape).');
    }
    if (textOf(target) !== target.code) {
      const text = `${target.label} has been changed meanwhile, so nothing was written. Select the code and try again.`;
      throw new MoebiusError('stale', text);
    }
    const draft = new InlineDraft(target, this.#review, () => {
      this.#running.delete(key);
      this.#tell();
    });
    this.#running.set(key, draft);
    this.#tell();
    return draft;
  }

  /** What is being written into the active document is taken back. */
  stop(): void {
    const active = vscode.window.activeTextEditor?.document.uri.toString();
    const draft = active === undefined ? undefined : this.#running.get(active);
    if (!draft) throw new MoebiusError('not-found', 'Nothing is being written into this file.');
    draft.stop();
  }

  dispose(): void {
    for (const draft of this.#running.values()) draft.stop();
    for (const part of this.#parts) part.dispose();
  }

  /** For the key that stops it. */
  #tell(): void {
    const active = vscode.window.activeTextEditor?.document.uri.toString();
    const isWriting = active !== undefined && this.#running.has(active);
    void vscode.commands.executeCommand('setContext', WRITING, isWriting);
  }
}

const textOf = ({ document, range }: Target): string => document.getText(range).replaceAll('\r\n', '\n');

class InlineDraft implements Draft {
  readonly #document: vscode.TextDocument;
  readonly #original: string;
  readonly #region: WrittenRegion;
  readonly #review: HunkReview;
  readonly #ended: () => void;
  readonly #stop = new AbortController();
  readonly stopped = this.#stop.signal;
  /** The user has edited the lines: they are theirs now. */
  #isLost = false;
  /** What was put into the document last, or is on its way there. */
  #next: string;
  #isFirst = true;
  #shownAt = Number.NEGATIVE_INFINITY;
  #shown: Promise<unknown> = Promise.resolve();

  constructor({ document, range, code }: Target, review: HunkReview, ended: () => void) {
    this.#document = document;
    this.#original = code;
    this.#next = code;
    this.#region = new WrittenRegion(range.start.line, code);
    this.#review = review;
    this.#ended = ended;
  }

  stop(): void {
    this.#stop.abort();
  }

  show(text: string): void {
    if (performance.now() - this.#shownAt < REDRAW_MS) return;
    this.#shownAt = performance.now();
    this.#shown = this.#shown.then(() => this.stopped.aborted || this.#put(text, false));
  }

  async finish(text: string): Promise<void> {
    await this.#write(text);
    this.#review.add(this.#document.uri, this.#textWith(this.#original), this.#document.getText());
    this.#showFirst();
    this.#ended();
  }

  async abandon(): Promise<void> {
    try {
      if (this.#isLost || this.#document.isClosed) return;
      await this.#write(this.#original);
      await clearUnsavedMark(this.#document);
    } finally {
      this.#ended();
    }
  }

  /** The document was changed: by this, around it, or in it. */
  changed(changes: readonly vscode.TextDocumentContentChangeEvent[]): void {
    if (this.#isLost || changes.length === 0) return;
    if (this.#next !== this.#region.text && this.#has(this.#next)) {
      this.#region.become(this.#next);
      this.#review.follow(this.#document.uri, this.#textWith(this.#original), this.#document.getText());
      return;
    }
    for (const { range, text } of changes)
      this.#region.shift({ ...range, text: text.replaceAll('\r\n', '\n') });
    if (this.#has(this.#region.text)) return;
    this.#isLost = true;
    this.stop();
    vscode.window.setStatusBarMessage('Moebius stopped writing, because these lines were edited.', 5000);
  }

  async #write(text: string): Promise<void> {
    await this.#shown;
    for (let tries = 1; !this.#isLost; tries++) {
      // A read-only editor says that it is done, and leaves the text as it was.
      if ((await this.#put(text, true)) && this.#has(text)) return;
      if (tries === MOST_TRIES)
        throw new MoebiusError('busy', 'The editor did not accept the change. Is the file read-only?');
    }
    throw new MoebiusError('cancelled', 'The lines were edited meanwhile.');
  }

  /** false: the editor did not take it. */
  async #put(text: string, isLast: boolean): Promise<boolean> {
    const change = this.#region.changeTo(text);
    if (!change) return true;
    this.#next = text;
    return this.#edit(change, isLast);
  }

  async #edit({ start, end, text }: Change, isLast: boolean): Promise<boolean> {
    const document = this.#document;
    const range = new vscode.Range(start.line, start.character, end.line, end.character);
    const eol = document.eol === vscode.EndOfLine.CRLF ? '\r\n' : '\n';
    const written = text.replaceAll('\n', eol);
    const editor = vscode.window.visibleTextEditors.find(shown => shown.document === document);
    const steps = { undoStopBefore: this.#isFirst, undoStopAfter: isLast };
    this.#isFirst = false;
    // Refused too by an editor that has gone meanwhile: the next try is made without it.
    if (editor)
      return editor.edit(builder => builder.replace(range, written), steps).then(undefined, () => false);
    const edit = new vscode.WorkspaceEdit();
    edit.replace(document.uri, range, written);
    return vscode.workspace.applyEdit(edit);
  }

  #has(text: string): boolean {
    const { start, end } = this.#region.rangeOf(text);
    if (end.line >= this.#document.lineCount) return false;
    const range = new vscode.Range(start.line, 0, end.line, this.#document.lineAt(end.line).text.length);
    return this.#document.getText(range).replaceAll('\r\n', '\n') === text;
  }

  /** The whole document as it would be with this in place of the lines. */
  #textWith(text: string): string {
    const lines = this.#document.getText().replaceAll('\r\n', '\n').split('\n');
    const { start, end } = this.#region.range;
    return [...lines.slice(0, start.line), text, ...lines.slice(end.line + 1)].join('\n');
  }

  /** The cursor goes to what is to be decided about, unless the user has moved it elsewhere. */
  #showFirst(): void {
    const editor = vscode.window.activeTextEditor;
    if (editor?.document !== this.#document) return;
    const { start, end } = this.#region.range;
    const at = editor.selection.active.line;
    if (at >= start.line && at <= end.line + 1) this.#review.showFirst(editor, start.line);
  }
}
