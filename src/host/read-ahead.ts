/** The editor's events that let the model read ahead, see completion/read-ahead.ts. */
import * as vscode from 'vscode';
import { monotonicClock } from '../base/clock.ts';
import { type Occasion, ReadAhead } from '../completion/read-ahead.ts';
import type { Daemon } from './context.ts';

/** Calls `read` with the active editor when the user pauses somewhere new, and when the model has been loaded. */
export function watchEditors(daemon: Daemon, read: (editor: vscode.TextEditor) => void): vscode.Disposable {
  const active = () => vscode.window.activeTextEditor;
  const readAhead = new ReadAhead(monotonicClock, () => {
    const editor = active();
    if (editor) read(editor);
  });
  const note = (occasion: Occasion, document = active()?.document): void => {
    const editor = active();
    if (!editor || document !== editor.document) return;
    readAhead.note(occasion, { uri: document.uri.toString(), line: editor.selection.active.line });
  };
  let wasReady = false;
  return vscode.Disposable.from(
    readAhead,
    vscode.window.onDidChangeActiveTextEditor(() => note('opened')),
    vscode.window.onDidChangeTextEditorSelection(({ textEditor }) => note('moved', textEditor.document)),
    vscode.workspace.onDidChangeTextDocument(({ document }) => note('typed', document)),
    vscode.workspace.onDidSaveTextDocument(document => note('saved', document)),
    daemon.onDidChangeState(({ kind }) => {
      const isReady = kind === 'ready';
      if (isReady && !wasReady) note('opened');
      wasReady = isReady;
    }),
  );
}
