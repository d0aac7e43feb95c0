/** What is always allowed in this workspace, as a list from which each can be taken back. */
import * as vscode from 'vscode';
import { describeRule } from '../../agent/commands/rules.ts';
import type { CommandMemory } from './command-memory.ts';
import type { ServerMemory } from './server-memory.ts';

interface Item extends vscode.QuickPickItem {
  /** What takes it back; without it, it is not remembered here. */
  forget?(): Promise<void>;
}

const TAKE_BACK: vscode.QuickInputButton = {
  iconPath: new vscode.ThemeIcon('trash'),
  tooltip: 'Ask for it again',
};

/** `fromSettings`: commands of the setting, which is where they are taken back. */
export function showAllowed(
  commands: CommandMemory,
  servers: ServerMemory,
  fromSettings: readonly string[],
): void {
  const picker = vscode.window.createQuickPick<Item>();
  picker.title = 'Always Allowed in This Workspace';
  const refresh = () => {
    picker.items = itemsOf(commands, servers, fromSettings);
    const isEmpty = picker.items.length === 0;
    picker.placeholder = isEmpty
      ? 'Nothing: everything is asked for'
      : 'Choose what is to be asked for again';
  };
  const take = async ({ forget }: Item) => {
    if (!forget) {
      await vscode.commands.executeCommand('workbench.action.openSettings', 'moebius.agent.allowedCommands');
      return;
    }
    await forget();
    refresh();
  };
  picker.onDidTriggerItemButton(({ item }) => void take(item));
  picker.onDidAccept(() => {
    const [item] = picker.activeItems;
    if (item) void take(item);
    else picker.hide();
  });
  picker.onDidHide(() => picker.dispose());
  refresh();
  picker.show();
}

function itemsOf(commands: CommandMemory, servers: ServerMemory, fromSettings: readonly string[]): Item[] {
  return [
    ...commands.remembered.map(rule => ({
      label: `$(terminal) ${describeRule(rule)}`,
      description: rule.cwd === null || rule.cwd === '' ? 'a command' : `a command in ${rule.cwd}`,
      buttons: [TAKE_BACK],
      forget: () => commands.forget(rule),
    })),
    ...Object.entries(servers.remembered).map(([mark, title]) => ({
      label: `$(plug) ${title}`,
      description: 'an MCP server',
      buttons: [TAKE_BACK],
      forget: () => servers.forget(mark),
    })),
    ...fromSettings.map(command => ({
      label: `$(terminal) ${command}`,
      description: 'a command of your settings',
    })),
  ];
}
