/** What the language servers say about files, once they have had a moment to say it. */
import * as vscode from 'vscode';
import type { Diagnostic, DiagnosticsPort } from '../../agent/ports.ts';
import { cancelled } from '../../base/errors.ts';
import type { WorkspaceFolders } from '../../workspace/folders.ts';
import { textOnDisk } from './documents.ts';

/** The editor takes what was written on disk a moment later. */
const RELOAD_MS = 2000;
const LOOK_MS = 50;
/** Servers look at a text when it has not changed for a while. */
const NEWS_MS = 1500;
/** No more news for this long: they are done. */
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
    const opened =
      paths && (await Promise.all(paths.map(path => this.#folders.resolve(path)))).map(to => to.opened);
    await this.#untilReloaded(opened ? await open(opened) : vscode.workspace.textDocuments, signal);
    await untilQuiet(signal);
    // By what links lead to, and however the path was written.
    const wanted = opened && new Set(opened.map(path => this.#folders.toPath(path)));
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

  async #untilReloaded(documents: readonly vscode.TextDocument[], signal?: AbortSignal): Promise<void> {
    const endMs = performance.now() + RELOAD_MS;
    for (const document of documents) {
      const { scheme, fsPath } = document.uri;
      if (scheme !== 'file' || this.#folders.toPath(fsPath) === null) continue;
      while (!(await isAsOnDisk(document)) && performance.now() < endMs && !signal?.aborted)
        await new Promise(resolve => setTimeout(resolve, LOOK_MS));
    }
  }
}

async function open(paths: readonly string[]): Promise<vscode.TextDocument[]> {
  const documents: vscode.TextDocument[] = [];
  for (const path of paths.slice(0, OPENED_FILES)) {
    // What can't be opened has no server either.
    const document = await vscode.workspace.openTextDocument(vscode.Uri.file(path)).then(
      one => one,
      () => null,
    );
    if (document) documents.push(document);
  }
  return documents;
}

/** Also what has no file any more, or is the user's for now. */
async function isAsOnDisk(document: vscode.TextDocument): Promise<boolean> {
  if (document.isDirty || document.isClosed) return true;
  const text = await textOnDisk(document);
  return text === null || plain(text) === plain(document.getText());
}

/** The editor makes all line ends of a document the same. */
const plain = (text: string): string => text.replace(/^\uFEFF/, '').replace(/\r\n?/g, '\n');

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
    if (signal?.aborted) return reject(cancelled());
    const end = () => {
      clearTimeout(quiet);
      clearTimeout(longest);
      listener.dispose();
      signal?.removeEventListener('abort', end);
      if (signal?.aborted) reject(cancelled());
      else resolve();
    };
    let quiet = setTimeout(end, NEWS_MS);
    const longest = setTimeout(end, LONGEST_MS);
    const listener = vscode.languages.onDidChangeDiagnostics(() => {
      clearTimeout(quiet);
      quiet = setTimeout(end, QUIET_MS);
    });
    signal?.addEventListener('abort', end);
  });
}
