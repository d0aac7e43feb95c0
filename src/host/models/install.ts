/** Gets a model: the CLI does the work in a process of its own, the editor shows how far it is and can cancel it. */
import { join } from 'node:path';
import * as vscode from 'vscode';
import { runCommand } from '../daemon/spawn.ts';
import { signalOf } from '../report.ts';
import { describeProgress, overallPercent, readProgress } from './install-progress.ts';

export interface InstallOptions {
  extensionPath: string;
  /** Folder of the store. */
  home: string;
  /** Catalogue id, path of a GGUF file, or https address. */
  source: string;
  /** For the title of the notification. */
  name: string;
}

/** Resolves when the model is whole. Rejects with `cancelled` or the command's own error. */
export function installModel({ extensionPath, home, source, name }: InstallOptions): Thenable<void> {
  const title = `Moebius: ${name}`;
  return vscode.window.withProgress(
    { location: vscode.ProgressLocation.Notification, title, cancellable: true },
    async (progress, token) => {
      let shown = 0;
      let failure: unknown;
      const onMessage = (line: unknown): void => {
        try {
          const step = readProgress(line);
          if (!step) return;
          const percent = overallPercent(step);
          progress.report({ message: describeProgress(step), increment: Math.max(0, percent - shown) });
          shown = Math.max(shown, percent);
        } catch (error) {
          failure = error;
        }
      };
      const args = ['model', 'add', source, '--json-progress'];
      await runCommand({
        script: join(extensionPath, 'dist', 'cli.js'),
        args,
        env: { MOEBIUS_HOME: home },
        onMessage,
        signal: signalOf(token),
      }).catch(error => {
        throw failure ?? error;
      });
      if (failure) throw failure;
    },
  );
}
