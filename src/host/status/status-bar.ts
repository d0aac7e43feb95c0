/** The status bar item. A click opens the menu. */
import * as vscode from 'vscode';
import { isLanguageOn } from '../../completion/languages.ts';
import type { Snooze } from '../../completion/snooze.ts';
import type { Daemon } from '../context.ts';
import { chosenModel, storeHome } from '../models/chosen-model.ts';
import { readSettings } from '../settings.ts';
import { statusView } from './status-view.ts';

const COLORS = {
  none: undefined,
  warning: new vscode.ThemeColor('statusBarItem.warningBackground'),
  error: new vscode.ThemeColor('statusBarItem.errorBackground'),
};

export class StatusBar implements vscode.Disposable {
  private readonly item: vscode.StatusBarItem;
  private readonly daemon: Daemon;
  private readonly snooze: Snooze;
  private readonly parts: { dispose(): unknown }[];

  constructor(daemon: Daemon, snooze: Snooze) {
    this.daemon = daemon;
    this.snooze = snooze;
    this.item = vscode.window.createStatusBarItem('moebius.status', vscode.StatusBarAlignment.Right, 90);
    this.item.name = 'Moebius';
    this.item.command = 'moebius.menu.show';
    const refresh = (): void => this.refresh();
    this.parts = [
      this.item,
      daemon.onDidChangeState(refresh),
      snooze.onDidChange(refresh),
      vscode.window.onDidChangeActiveTextEditor(refresh),
      vscode.workspace.onDidGrantWorkspaceTrust(refresh),
      vscode.workspace.onDidChangeConfiguration(event => event.affectsConfiguration('moebius') && refresh()),
    ];
    this.refresh();
    this.item.show();
  }

  refresh(): void {
    const document = vscode.window.activeTextEditor?.document;
    const { completion, model } = readSettings(document);
    const view = statusView(this.daemon.state, {
      hasModel: chosenModel(storeHome(model.home), model.id) !== null,
      isCompletionOn:
        completion.isEnabled &&
        !this.snooze.isOn &&
        (!document || isLanguageOn(completion.languages, document.languageId)),
      isTrusted: vscode.workspace.isTrusted,
    });
    this.item.text = view.text;
    this.item.tooltip = `Moebius: ${view.description}`;
    this.item.backgroundColor = COLORS[view.severity];
    this.item.accessibilityInformation = { label: `Moebius: ${view.description}`, role: 'button' };
  }

  dispose(): void {
    for (const part of this.parts) part.dispose();
  }
}
