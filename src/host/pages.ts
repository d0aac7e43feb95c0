/** Read-only pages in Markdown, shown rendered: the status of the daemon, what a model is. */
import * as vscode from 'vscode';

const SCHEME = 'moebius-page';

export class Pages implements vscode.TextDocumentContentProvider, vscode.Disposable {
  private readonly texts = new Map<string, string>();
  private readonly registration = vscode.workspace.registerTextDocumentContentProvider(SCHEME, this);
  private count = 0;

  provideTextDocumentContent(uri: vscode.Uri): string {
    return this.texts.get(uri.path) ?? '';
  }

  /** `name` is the title of the tab; a page of the same name is replaced. */
  async show(name: string, markdown: string): Promise<void> {
    // A document of its own each time: one that was shown and closed lives on for a while, and is shown as it was.
    const query = String(++this.count);
    const uri = vscode.Uri.from({ scheme: SCHEME, path: `/${name}.md`, query });
    this.texts.set(uri.path, markdown);
    // The preview belongs to an extension of VS Code's that can be disabled.
    await vscode.commands
      .executeCommand('markdown.showPreview', uri)
      .then(undefined, () => vscode.window.showTextDocument(uri, { preview: true }));
  }

  dispose(): void {
    this.registration.dispose();
  }
}
