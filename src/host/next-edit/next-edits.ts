/**
 * The place that probably needs the same edit next, shown in the editor: Tab goes there, Tab again takes it, Escape sends
 * it away. What the edit is and where is told by completion/next-edit, completion/signature, and the files beside this one.
 */
import * as vscode from 'vscode';
import type { Backend } from '../../backends/backend.ts';
import { monotonicClock } from '../../base/clock.ts';
import type { Disposable } from '../../base/disposable.ts';
import { RenameWatch } from '../../completion/next-edit.ts';
import { SignatureWatch } from '../../completion/signature.ts';
import type { Snooze } from '../../completion/snooze.ts';
import type { Grammars } from '../../completion/syntax/grammars.ts';
import { quietIn } from '../quiet.ts';
import { readSettings } from '../settings.ts';
import { sizeOf } from '../text-of.ts';
import { callPlace } from './call-places.ts';
import type { Place } from './place.ts';
import { firstRenamePlace } from './rename-places.ts';

/** Without a key for so long the edit is taken to be finished. */
const PAUSE_MS = 600;
/** Comparing and searching more text than this would be felt while typing. */
const LARGEST_CHARS = 200_000;
/** Of what a place becomes, beside it. */
const SHOWN_CHARS = 60;
const CONTEXT_KEY = 'moebius.nextEdit.visible';

interface Offer {
  editor: vscode.TextEditor;
  place: Place;
}

export class NextEdits implements vscode.Disposable {
  private readonly decoration = vscode.window.createTextEditorDecorationType({
    after: { color: new vscode.ThemeColor('editorGhostText.foreground') },
  });
  private readonly struck = vscode.window.createTextEditorDecorationType({ textDecoration: 'line-through' });
  private readonly parts: vscode.Disposable[];
  /** Who writes new arguments; null while no model is loaded. */
  private readonly backend: () => Pick<Backend, 'complete'> | null;
  private readonly snooze: Snooze;
  private readonly grammars: Grammars;
  /** The text before the edit began, by document. */
  private base: { document: vscode.TextDocument; text: string } | null = null;
  /** As it was when the user last paused: taking it at every key would be felt. */
  private latest: { document: vscode.TextDocument; text: string } | null = null;
  private readonly renames = new RenameWatch();
  private readonly signatures = new SignatureWatch();
  private pause: Disposable | null = null;
  /** Ends when the user does something else than taking what is offered. */
  private looking = new AbortController();
  private offer: Offer | null = null;

  constructor(backend: () => Pick<Backend, 'complete'> | null, snooze: Snooze, grammars: Grammars) {
    this.backend = backend;
    this.snooze = snooze;
    this.grammars = grammars;
    this.remember(vscode.window.activeTextEditor);
    this.parts = [
      this.decoration,
      this.struck,
      vscode.window.onDidChangeActiveTextEditor(editor => this.remember(editor)),
      vscode.workspace.onDidChangeTextDocument(event => this.onChange(event)),
    ];
  }

  /** Goes to the place, or takes the edit if the cursor is there. */
  async take(): Promise<void> {
    const { offer } = this;
    if (!offer) return;
    const { editor, place } = offer;
    const { document, range, text } = place;
    if (editor.document !== document) {
      const selection = new vscode.Range(range.start, range.start);
      const shown = await vscode.window.showTextDocument(document, { selection });
      this.clear();
      this.show(shown, place);
      return;
    }
    if (!editor.selection.intersection(range)) {
      editor.selection = new vscode.Selection(range.start, range.start);
      editor.revealRange(range, vscode.TextEditorRevealType.InCenterIfOutsideViewport);
      return;
    }
    this.clear();
    const isDone = await editor.edit(edit => edit.replace(range, text));
    this.signatures.forget();
    if (isDone) await this.find(editor, signal => place.next(signal));
  }

  /** The user does not want it, nor what else this change would bring. */
  dismiss(): void {
    this.renames.dismiss();
    this.signatures.dismiss();
    this.hide();
  }

  hide(): void {
    this.looking.abort();
    this.clear();
  }

  dispose(): void {
    this.hide();
    this.pause?.dispose();
    for (const part of this.parts) part.dispose();
  }

  private remember(editor: vscode.TextEditor | undefined): void {
    this.pause?.dispose();
    this.base = null;
    this.renames.forget();
    this.signatures.forget();
    // Going to the offered place in another file is no reason to withdraw it.
    if (this.offer?.place.document !== editor?.document) this.hide();
    this.latest = editor && isWatched(editor.document) ? asItIs(editor.document) : null;
  }

  private onChange({ document, contentChanges, reason }: vscode.TextDocumentChangeEvent): void {
    const editor = vscode.window.activeTextEditor;
    if (contentChanges.length === 0 || !editor || document !== editor.document) return;
    this.hide();
    this.pause?.dispose();
    // Undoing is not editing.
    if (reason !== undefined || this.latest?.document !== document || !isWatched(document)) {
      this.remember(editor);
      return;
    }
    this.base ??= this.latest;
    this.pause = monotonicClock.after(PAUSE_MS, () => void this.look(editor));
  }

  /** The user has paused: was it a name that changed, or what a function takes? */
  private async look(editor: vscode.TextEditor): Promise<void> {
    const { base } = this;
    const { document } = editor;
    const latest = asItIs(document);
    this.base = null;
    this.latest = latest;
    if (base?.document !== document) return;
    const rename = this.renames.since(base.text, latest.text);
    const change = rename ? null : this.signatures.since(base.text, latest.text);
    if (quietIn(document, readSettings(document).completion, this.snooze)) return;
    if (rename) {
      const { grammars } = this;
      await this.find(editor, signal => firstRenamePlace({ home: document, rename, grammars }, signal));
    } else if (change) {
      const changed = { document, change, moved: 0 };
      await this.find(editor, signal => callPlace(changed, this.backend(), signal));
    }
  }

  private async find(
    editor: vscode.TextEditor,
    search: (signal: AbortSignal) => Promise<Place | null>,
  ): Promise<void> {
    const looking = new AbortController();
    this.looking = looking;
    // A file that is gone, a language server that fails: then there is nothing to offer, and nobody has asked.
    const place = await search(looking.signal).catch(() => null);
    if (place && !looking.signal.aborted) this.show(editor, place);
  }

  private show(editor: vscode.TextEditor, place: Place): void {
    const { document, range, text } = place;
    this.offer = { editor, place };
    const isHere = document === editor.document;
    const file = isHere ? '' : `${vscode.workspace.asRelativePath(document.uri)}: `;
    const words = text.length > SHOWN_CHARS ? `${text.slice(0, SHOWN_CHARS)}…` : text;
    const contentText = ` ${file}${words.replace(/\s+/g, ' ')} ⇥`;
    const { active } = editor.selection;
    const beside = isHere ? range : editor.document.lineAt(active.line).range;
    editor.setDecorations(this.decoration, [{ range: beside, renderOptions: { after: { contentText } } }]);
    editor.setDecorations(this.struck, isHere ? [range] : []);
    void vscode.commands.executeCommand('setContext', CONTEXT_KEY, true);
  }

  private clear(): void {
    if (!this.offer) return;
    for (const kind of [this.decoration, this.struck]) this.offer.editor.setDecorations(kind, []);
    this.offer = null;
    void vscode.commands.executeCommand('setContext', CONTEXT_KEY, false);
  }
}

const isWatched = (document: vscode.TextDocument): boolean =>
  readSettings(document).completion.nextEdits && sizeOf(document) <= LARGEST_CHARS;

const asItIs = (document: vscode.TextDocument): { document: vscode.TextDocument; text: string } => ({
  document,
  text: document.getText(),
});
