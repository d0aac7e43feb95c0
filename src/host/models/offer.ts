/** Says once a machine that there is no model, and offers to get it. Afterwards the status bar and the chat say so. */
import * as vscode from 'vscode';
import { defaultModel } from '../../models/catalogue.ts';
import type { HostContext } from '../context.ts';
import { megabytes } from './install-progress.ts';

const OFFERED_KEY = 'moebius.model.offered';

const COMMANDS: Readonly<Record<string, string>> = {
  'Get the Model': 'moebius.model.download',
  'Other Models': 'moebius.model.choose',
  Walkthrough: 'moebius.walkthrough.open',
};

export async function offerModel({ extension }: HostContext): Promise<void> {
  if (extension.globalState.get<boolean>(OFFERED_KEY)) return;
  await extension.globalState.update(OFFERED_KEY, true);
  const { name, sizeBytes } = defaultModel();
  const choice = await vscode.window.showInformationMessage(
    `Moebius needs a model: ${name}, a download of ${megabytes(sizeBytes)} MB. It then runs on this machine, offline.`,
    ...Object.keys(COMMANDS),
  );
  const command = choice && COMMANDS[choice];
  if (command) await vscode.commands.executeCommand(command);
}
