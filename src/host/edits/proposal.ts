/**
 * A change that the model proposes: shown as a diff against the file, applied in one undoable step when the user says
 * so, and never when the lines it is about were edited meanwhile.
 */
import * as vscode from 'vscode';
import { MoebiusError } from '../../base/errors.ts';
import type { Target } from './target.ts';

export const PROPOSED_SCHEME = 'moebius-proposed';

interface Proposal {
  target: Target;
  /** With the document's line ends. */
  replacement: string;
  /** The model is still at it: what is there is shown, and can't be applied. */
  isWriting: boolean;
  closed: AbortController;
}
/** A proposal while it is being written. `replacement`s have `\n` line ends. */
export interface Draft {
  /** Aborted when the user closes or discards it: nobody waits for the rest. */
  closed: AbortSignal;
  show(replacement: string): void;
  /** Complete: it can be applied, and the user is asked. */
  finish(replacement: string): void;
  /** Nothing came of it. */
  abandon(): Promise<void>;
}

/** Often enough for a diff that is read while it grows, seldom enough for the editor to compute it. */
const REDRAW_MS = 150;

export class Proposals implements vscode.TextDocumentContentProvider, vscode.Disposable {
  /** By the URI of the proposed document. */
  private readonly open = new Map<string, Proposal>();
  private readonly parts: vscode.Disposable[];
  private readonly changed = new vscode.EventEmitter<vscode.Uri>();
  readonly onDidChange = this.changed.event;
  private count = 0;

  constructor() {
    this.parts = [
      this.changed,
      vscode.workspace.registerTextDocumentContentProvider(PROPOSED_SCHEME, this),
      vscode.window.tabGroups.onDidChangeTabs(({ closed }) => {
        for (const tab of closed) {
          const uri = proposedUri(tab);
          if (uri) this.forget(uri.toString());
        }
      }),
    ];
  }

  provideTextDocumentContent(uri: vscode.Uri): string {
    const proposal = this.open.get(uri.toString());
    if (!proposal) return '';
    const { document, range } = proposal.target;
    const before = document.getText(new vscode.Range(new vscode.Position(0, 0), range.start));
    const after = document.getText(
      new vscode.Range(range.end, document.lineAt(document.lineCount - 1).range.end),
    );
    return before + proposal.replacement + after;
  }

  /** Shows the diff, which grows with the draft; when that is finished with buttons in its title and in a notification. */
  async begin(target: Target, title: string): Promise<Draft> {
    const { document } = target;
    const uri = document.uri.with({
      scheme: PROPOSED_SCHEME,
      authority: '',
      path: document.uri.path.startsWith('/') ? document.uri.path : `/${document.uri.path}`,
      query: `${++this.count}`,
      fragment: '',
    });
    const key = uri.toString();
    const eol = document.eol === vscode.EndOfLine.CRLF ? '\r\n' : '\n';
    const closed = new AbortController();
    const put = (replacement: string, isWriting: boolean) => {
      if (!this.open.has(key)) return;
      this.open.set(key, { target, replacement: replacement.replaceAll('\n', eol), isWriting, closed });
      this.changed.fire(uri);
    };
    this.open.set(key, { target, replacement: document.getText(target.range), isWriting: true, closed });
    const name = document.uri.path.split('/').pop();
    await vscode.commands.executeCommand('vscode.diff', document.uri, uri, `Moebius: ${title} (${name})`, {
      preview: false,
      selection: new vscode.Range(target.range.start, target.range.start),
    } satisfies vscode.TextDocumentShowOptions);
    let shownAt = 0;
    return {
      closed: closed.signal,
      show(replacement) {
        if (performance.now() - shownAt < REDRAW_MS) return;
        shownAt = performance.now();
        put(replacement, true);
      },
      finish: replacement => {
        put(replacement, false);
        if (this.open.has(key)) void this.offer(uri, `Moebius: ${title}, ${target.label}. Apply the change?`);
      },
      abandon: () => this.close(key),
    };
  }

  private async offer(uri: vscode.Uri, message: string): Promise<void> {
    const choice = await vscode.window.showInformationMessage(message, 'Apply', 'Discard');
    if (choice && this.open.has(uri.toString()))
      await vscode.commands.executeCommand(`moebius.proposal.${choice.toLowerCase()}`, uri);
  }

  /** `uri`: of the proposed document; without it the one in the active tab. Throws `busy` if the lines were edited. */
  async apply(uri?: vscode.Uri): Promise<void> {
    const [key, proposal] = this.find(uri);
    if (proposal.isWriting) {
      throw new MoebiusError('busy', 'The change is still being written. Wait until it is complete.');
    }
    const { document, range, code } = proposal.target;
    if (document.isClosed || document.getText(range).replaceAll('\r\n', '\n') !== code) {
      throw new MoebiusError(
        'busy',
        'The code was edited since the change was proposed. Run the command again.',
      );
    }
    const edit = new vscode.WorkspaceEdit();
    edit.replace(document.uri, range, proposal.replacement);
    if (!(await vscode.workspace.applyEdit(edit)))
      throw new MoebiusError('busy', 'The editor did not accept the change. Is the file read-only?');
    await this.close(key);
    const end = range.start.line + proposal.replacement.split('\n').length - 1;
    const shown = await vscode.window.showTextDocument(document, { preview: false });
    shown.selection = new vscode.Selection(range.start, range.start);
    shown.revealRange(new vscode.Range(range.start.line, 0, end, 0));
  }

  async discard(uri?: vscode.Uri): Promise<void> {
    await this.close(this.find(uri)[0]);
  }

  dispose(): void {
    this.open.clear();
    for (const part of this.parts) part.dispose();
  }

  private find(uri?: vscode.Uri): [string, Proposal] {
    const active = vscode.window.tabGroups.activeTabGroup.activeTab;
    const named = uri?.scheme === PROPOSED_SCHEME ? uri : undefined;
    const key = (named ?? (active && proposedUri(active)))?.toString() ?? [...this.open.keys()].at(-1);
    const proposal = key === undefined ? undefined : this.open.get(key);
    if (key === undefined || !proposal)
      throw new MoebiusError('not-found', 'There is no proposed change. Run one of the commands first.');
    return [key, proposal];
  }

  private forget(key: string): void {
    this.open.get(key)?.closed.abort();
    this.open.delete(key);
  }

  private async close(key: string): Promise<void> {
    this.forget(key);
    const tabs = vscode.window.tabGroups.all.flatMap(group => group.tabs);
    const mine = tabs.filter(tab => proposedUri(tab)?.toString() === key);
    if (mine.length > 0) await vscode.window.tabGroups.close(mine);
  }
}

function proposedUri(tab: vscode.Tab): vscode.Uri | null {
  const { input } = tab;
  return input instanceof vscode.TabInputTextDiff && input.modified.scheme === PROPOSED_SCHEME
    ? input.modified
    : null;
}
