/** Registers commands so that each of them answers: what it throws is shown in words, with the buttons that help. */
import * as vscode from 'vscode';
import { report } from '../report.ts';

/** Command id -> what it does. Arguments come from menus and code actions, so they are checked where they are used. */
export type CommandTable = Record<string, (...args: never[]) => unknown>;

export function registerCommands(table: CommandTable, log: vscode.LogOutputChannel): vscode.Disposable {
  const parts = Object.entries(table).map(([id, run]) =>
    vscode.commands.registerCommand(id, async (...args: unknown[]) => {
      try {
        return await run(...(args as never[]));
      } catch (error) {
        report(error, log);
        return undefined;
      }
    }),
  );
  return vscode.Disposable.from(...parts);
}
