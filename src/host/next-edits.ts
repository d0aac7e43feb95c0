/**
 * The place that probably needs the same edit next, shown in the editor: Tab goes there, Tab again takes it, Escape sends
 * it away. The pure part is completion/next-edit.
 */
import * as vscode from 'vscode';
import { monotonicClock } from '../base/clock.ts';
import type { Disposable } from '../base/disposable.ts';
import { nextAfter, occurrencesOf, type Rename, renameBetween } from '../completion/next-edit.ts';
import { readSettings } from './settings.ts';

/** Without a key for so long the name is taken to be finished. */
const PAUSE_MS = 600;
/** Comparing and searching more text than this would be felt while typing. */
const LARGEST_CHARS = 200_000;
const CONTEXT_KEY = 'moebius.nextEdit.visible';

interface Offer {
  editor: vscode.TextEditor;
  rename: Rename;
  range: vscode.Range;
}

export class NextEdits implements vscode.Disposable {
  private readonly decoration = vscode.window.createTextEditorDecorationType({
    textDecoration: 'line-through',
    after: { color: new vscode.ThemeColor('editorGhostText.foreground') },
  });
  private readonly parts: vscode.Disposable[];
  /** The text before the name began to change, by document. */
  private base: { document: vscode.TextDocument; text: string } | null = null;
  /** As it was when the user last paused: taking it at every key would be felt. */
  private latest: { document: vscode.TextDocument; text: string } | null = null;
  /** The last change of a name, which goes on when the user pauses in the middle of it. */
  private renamed: Rename | null = null;
  private pause: Disposable | null = null;
  private offer: Offer | null = null;

  constructor() {
    this.remember(vscode.window.activeTextEditor);
    this.parts = [
      this.decoration,
      vscode.window.onDidChangeActiveTextEditor(editor => this.remember(editor)),
      vscode.workspace.onDidChangeTextDocument(event => this.onChange(event)),
    ];
  }

  /** Goes to the place, or takes the edit if the cursor is there. */
  async take(): Promise<void> {
    const offer = this.offer;
    if (!offer) return;
    const { editor, range, rename } = offer;
    if (!editor.selection.intersection(range)) {
      editor.selection = new vscode.Selection(range.start, range.start);
      editor.revealRange(range, vscode.TextEditorRevealType.InCenterIfOutsideViewport);
      return;
    }
    this.hide();
    const isDone = await editor.edit(edit => edit.replace(range, rename.to));
    if (isDone) this.show(editor, rename, editor.document.offsetAt(range.start) + rename.to.length);
  }

  hide(): void {
    if (!this.offer) return;
    this.offer.editor.setDecorations(this.decoration, []);
    this.offer = null;
    void vscode.commands.executeCommand('setContext', CONTEXT_KEY, false);
  }

  dispose(): void {
    this.pause?.dispose();
    for (const part of this.parts) part.dispose();
  }

  private remember(editor: vscode.TextEditor | undefined): void {
    this.pause?.dispose();
    this.base = null;
    this.renamed = null;
    this.hide();
    const text = editor?.document.getText();
    const isFit = text !== undefined && text.length <= LARGEST_CHARS;
    this.latest = isFit ? { document: editor!.document, text } : null;
  }

  private onChange({ document, contentChanges, reason }: vscode.TextDocumentChangeEvent): void {
    const editor = vscode.window.activeTextEditor;
    if (contentChanges.length === 0 || !editor || document !== editor.document) return;
    this.hide();
    this.pause?.dispose();
    // Undoing is not editing.
    if (reason !== undefined || this.latest?.document !== document) {
      this.remember(editor);
      return;
    }
    this.base ??= this.latest;
    this.pause = monotonicClock.after(PAUSE_MS, () => this.look(editor));
  }

  /** The user has paused: was it a name that changed? */
  private look(editor: vscode.TextEditor): void {
    const { base } = this;
    const { document } = editor;
    const text = document.getText();
    const latest = text.length <= LARGEST_CHARS ? { document, text } : null;
    this.base = null;
    this.latest = latest;
    const { nextEdits } = readSettings(document).completion;
    if (!nextEdits || !base || !latest || base.document !== document) return;
    let rename = renameBetween(base.text, latest.text);
    const before = this.renamed;
    if (rename && before?.to === rename.from && before.offset === rename.offset)
      rename = { ...rename, from: before.from };
    this.renamed = rename;
    // A name that stands there elsewhere was not renamed but replaced by another.
    if (!rename || occurrencesOf(rename.to, base.text).length > 0) return;
    this.show(editor, rename, rename.offset + rename.to.length);
  }

  private show(editor: vscode.TextEditor, rename: Rename, from: number): void {
    const { document } = editor;
    const offsets = occurrencesOf(rename.from, document.getText());
    const offset = nextAfter(this.wrongOnes(document, rename, offsets), from);
    if (offset === null) return;
    const range = new vscode.Range(
      document.positionAt(offset),
      document.positionAt(offset + rename.from.length),
    );
    this.offer = { editor, rename, range };
    const contentText = ` ${rename.to} ⇥`;
    editor.setDecorations(this.decoration, [{ range, renderOptions: { after: { contentText } } }]);
    void vscode.commands.executeCommand('setContext', CONTEXT_KEY, true);
  }

  /** Those that the language server finds wrong, where it has found any; the others may be names of something else. */
  private wrongOnes(document: vscode.TextDocument, { from }: Rename, offsets: number[]): number[] {
    const errors = vscode.languages
      .getDiagnostics(document.uri)
      .filter(
        ({ severity, range }) =>
          severity <= vscode.DiagnosticSeverity.Warning && document.getText(range) === from,
      )
      .map(({ range }) => document.offsetAt(range.start));
    const wrong = offsets.filter(offset => errors.includes(offset));
    return wrong.length > 0 ? wrong : offsets;
  }
}
