/** A command of the agent in a terminal tab: what it wrote so far and what it still writes. Nothing can be typed into it. */
import * as vscode from 'vscode';
import type { AgentEvent } from '../../agent/ports.ts';

export interface ShownCommand {
  callId: string;
  title: string;
  /** So far. */
  output: string;
}

interface Tab {
  terminal: vscode.Terminal;
  write: vscode.EventEmitter<string>;
}

export class TerminalMirror implements vscode.Disposable {
  readonly #tabs = new Map<string, Tab>();

  show({ callId, title, output }: ShownCommand): void {
    const tab = this.#tabs.get(callId) ?? this.#open(callId, title, output);
    tab.terminal.show();
  }

  /** Follows a command that is shown. */
  follow(event: AgentEvent): void {
    if (event.type === 'output') this.#tabs.get(event.callId)?.write.fire(lines(event.text));
    if (event.type === 'result') this.#tabs.get(event.callId)?.write.fire(lines(`\n[${event.summary}]\n`));
  }

  dispose(): void {
    for (const { terminal } of this.#tabs.values()) terminal.dispose();
  }

  #open(callId: string, title: string, output: string): Tab {
    const write = new vscode.EventEmitter<string>();
    const terminal = vscode.window.createTerminal({
      name: title,
      iconPath: new vscode.ThemeIcon('tools'),
      pty: {
        onDidWrite: write.event,
        open: () => write.fire(lines(output)),
        close: () => {
          this.#tabs.delete(callId);
          write.dispose();
        },
      },
    });
    const tab = { terminal, write };
    this.#tabs.set(callId, tab);
    return tab;
  }
}

/** A terminal goes down on \n and back on \r. Escapes were taken out before. */
const lines = (text: string): string => text.replace(/\r?\n/g, '\r\n');
