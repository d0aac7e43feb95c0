/** What the language servers say about files, once they have had a moment to say it. */
import * as vscode from 'vscode';
import type { Diagnostic, DiagnosticsPort } from '../../agent/ports.ts';
import { cancelled } from '../../base/errors.ts';
import type { WorkspaceFolders } from '../../workspace/folders.ts';

/** No news for this long: they are done. */
const QUIET_MS = 500;
/** A server that is still at work after this has to be asked again. */
const LONGEST_MS = 4000;
/** Files that are opened (not shown) so that their server looks at them. */
const OPENED_FILES = 10;
const MOST = 200;

const SEVERITIES: Record<vscode.DiagnosticSeverity, Diagnostic['severity']> = {
  [vscode.DiagnosticSeverity.Error]: 'error',
  [vscode.DiagnosticSeverity.Warning]: 'warning',
  [vscode.DiagnosticSeverity.Information]: 'information',
  [vscode.DiagnosticSeverity.Hint]: 'information',
};

export class EditorDiagnostics implements DiagnosticsPort {
  readonly #folders: WorkspaceFolders;

  constructor(folders: WorkspaceFolders) {
    this.#folders = folders;
  }

  async read(paths: string[] | null, signal?: AbortSignal): Promise<Diagnostic[]> {
    const settled = untilQuiet(signal);
    for (const path of paths?.slice(0, OPENED_FILES) ?? []) {
      // What can't be opened has no server either.
      const uri = vscode.Uri.file((await this.#folders.resolve(path)).opened);
      await vscode.workspace.openTextDocument(uri).then(undefined, () => undefined);
    }
    await settled;
    const wanted = paths && new Set(paths);
    return vscode.languages
      .getDiagnostics()
      .flatMap(([uri, diagnostics]) => {
        const path = uri.scheme === 'file' ? this.#folders.toPath(uri.fsPath) : null;
        return path !== null && (!wanted || wanted.has(path)) ? diagnostics.map(one => found(path, one)) : [];
      })
      .filter(one => one.severity !== 'information')
      .sort((a, b) => (a.severity === b.severity ? 0 : a.severity === 'error' ? -1 : 1))
      .slice(0, MOST);
  }
}

const found = (path: string, { range, severity, message, source }: vscode.Diagnostic): Diagnostic => ({
  path,
  line: range.start.line + 1,
  column: range.start.character + 1,
  severity: SEVERITIES[severity],
  message,
  source: source ?? '',
});

/** @throws MoebiusError `cancelled` */
function untilQuiet(signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const end = () => {
      clearTimeout(quiet);
      clearTimeout(longest);
      listener.dispose();
      signal?.removeEventListener('abort', end);
      if (signal?.aborted) reject(cancelled());
      else resolve();
    };
    let quiet = setTimeout(end, QUIET_MS);
    const longest = setTimeout(end, LONGEST_MS);
    const listener = vscode.languages.onDidChangeDiagnostics(() => {
      clearTimeout(quiet);
      quiet = setTimeout(end, QUIET_MS);
    });
    signal?.addEventListener('abort', end);
  });
}
