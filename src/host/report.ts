/** Shows failures, each with the buttons that help. */
import * as vscode from 'vscode';
import { toMoebiusError } from '../base/errors.ts';
import { describeFailure } from './failure.ts';

/** Logs and shows what was thrown. Does not wait for the user. */
export function report(thrown: unknown, log: vscode.LogOutputChannel): void {
  const failure = describeFailure(thrown);
  if (!failure) return;
  log.error(toMoebiusError(thrown));
  const titles = failure.help.map(help => help.title);
  void vscode.window.showErrorMessage(failure.message, ...titles).then(title => {
    const chosen = failure.help.find(help => help.title === title);
    if (chosen) void vscode.commands.executeCommand(chosen.command);
  });
}

/** An abort signal that follows a cancellation token. */
export function signalOf(token: vscode.CancellationToken): AbortSignal {
  const abort = new AbortController();
  if (token.isCancellationRequested) abort.abort();
  else token.onCancellationRequested(() => abort.abort());
  return abort.signal;
}

/** A cancellation token that follows an abort signal. */
export function tokenOf(signal: AbortSignal): vscode.CancellationToken {
  const source = new vscode.CancellationTokenSource();
  if (signal.aborted) source.cancel();
  else signal.addEventListener('abort', () => source.cancel(), { once: true });
  return source.token;
}
