/** What a file was before the agent changed it, as a read-only document for the diff. */
import * as vscode from 'vscode';

export const BEFORE_SCHEME = 'moebius-before';

export class BeforeTexts implements vscode.TextDocumentContentProvider, vscode.Disposable {
  readonly #read: (turnId: string, path: string) => Promise<string>;
  readonly #registration = vscode.workspace.registerTextDocumentContentProvider(BEFORE_SCHEME, this);

  constructor(read: (turnId: string, path: string) => Promise<string>) {
    this.#read = read;
  }

  /** Ends in the file's name, so that it is coloured as its language. */
  uri(turnId: string, path: string): vscode.Uri {
    return vscode.Uri.from({ scheme: BEFORE_SCHEME, path: `/${path}`, query: turnId });
  }

  provideTextDocumentContent(uri: vscode.Uri): Promise<string> {
    return this.#read(uri.query, uri.path.slice(1));
  }

  dispose(): void {
    this.#registration.dispose();
  }
}
