/** Tells the user that the agent waits for them: a badge on the view, and a notification when they do not see the chat that asks. */
import * as vscode from 'vscode';
import type { TaskChat } from './runner.ts';

export class Attention {
  #view: vscode.WebviewView | null = null;
  #waiting = 0;

  /** The view as it is shown now; null when it is gone. */
  show(view: vscode.WebviewView | null): void {
    this.#view = view;
    this.#badge();
  }

  async during<T>(text: string, chat: TaskChat, waits: Promise<T>): Promise<T> {
    this.#waiting++;
    this.#badge();
    if (!this.#view?.visible || !chat.isShown()) {
      void vscode.window.showInformationMessage(text, 'Show').then(choice => choice && chat.show());
    }
    try {
      return await waits;
    } finally {
      this.#waiting--;
      this.#badge();
    }
  }

  #badge(): void {
    if (!this.#view) return;
    const tooltip = 'Moebius waits for you';
    this.#view.badge = this.#waiting > 0 ? { value: this.#waiting, tooltip } : undefined;
  }
}
