/** What is always allowed in this workspace, as a list from which each can be taken back. */
import * as vscode from 'vscode';
import { describeRule } from '../../agent/commands/rules.ts';
import { type ActItem, showActList } from './act-list.ts';
import type { CommandMemory } from './command-memory.ts';
import type { ServerMemory } from './server-memory.ts';

const TAKE_BACK = [{ iconPath: new vscode.ThemeIcon('trash'), tooltip: 'Ask for it again' }];

/** `fromSettings`: commands of the setting, which is where they are taken back. */
export function showAllowed(
  commands: CommandMemory,
  servers: ServerMemory,
  fromSettings: readonly string[],
): void {
  showActList({
    title: 'Always Allowed in This Workspace',
    placeholder: 'Choose what is to be asked for again',
    empty: 'Nothing: everything is asked for',
    items: () => itemsOf(commands, servers, fromSettings),
  });
}

function itemsOf(commands: CommandMemory, servers: ServerMemory, fromSettings: readonly string[]): ActItem[] {
  return [
    ...commands.remembered.map(rule => ({
      label: `$(terminal) ${describeRule(rule)}`,
      description: rule.cwd === null || rule.cwd === '' ? 'a command' : `a command in ${rule.cwd}`,
      buttons: TAKE_BACK,
      act: () => commands.forget(rule),
    })),
    ...Object.entries(servers.remembered).map(([mark, title]) => ({
      label: `$(plug) ${title}`,
      description: 'an MCP server',
      buttons: TAKE_BACK,
      act: () => servers.forget(mark),
    })),
    ...fromSettings.map(command => ({
      label: `$(terminal) ${command}`,
      description: 'a command of your settings',
      act: openSetting,
    })),
  ];
}

const openSetting = async (): Promise<void> =>
  vscode.commands.executeCommand('workbench.action.openSettings', 'moebius.agent.allowedCommands');
