/** Gets a model: the CLI does the work in a process of its own, the editor shows how far it is and can cancel it. */
import { join } from 'node:path';
import * as vscode from 'vscode';
import { MoebiusError } from '../../base/errors.ts';
import type { ModelVariant } from '../../protocol/daemon.ts';
import { runCommand } from '../daemon/spawn.ts';
import { signalOf } from '../report.ts';
import { describeStep, overallPercent, readInstallLine } from './install-progress.ts';
import { proxyVariables } from './proxy.ts';

export interface InstallOptions {
  extensionPath: string;
  /** Folder of the store. */
  home: string;
  /** Catalogue id, path of a GGUF file, or https address. */
  source: string;
  /** The one that was advised; null where the command is to choose, which knows the file then. */
  variant: ModelVariant | null;
  /** For the title of the notification. */
  name: string;
}

/** Resolves with the model's id in the store. Rejects with `cancelled` or the command's own error. */
export function installModel({
  extensionPath,
  home,
  source,
  variant,
  name,
}: InstallOptions): Thenable<string> {
  return vscode.window.withProgress(
    { location: vscode.ProgressLocation.Notification, title: `Moebius: ${name}`, cancellable: true },
    async (progress, token) => {
      let shownPercent = 0;
      let model: string | null = null;
      let failure: unknown;
      const onMessage = (raw: unknown): void => {
        try {
          const line = readInstallLine(raw);
          if (line?.kind === 'done') model = line.model;
          if (line?.kind !== 'step') return;
          const increment = Math.max(0, overallPercent(line.step) - shownPercent);
          shownPercent += increment;
          progress.report({ message: describeStep(line.step), increment });
        } catch (error) {
          // The command ends with a failure status next; its own words are better than that.
          failure = error;
        }
      };
      await runCommand({
        script: join(extensionPath, 'dist', 'cli.js'),
        // Chosen again by the memory that is free by then it could be another than the one agreed to.
        args: ['model', 'add', source, '--json-progress', ...(variant ? ['--variant', variant] : [])],
        env: { ...proxyVariables(vscode.workspace.getConfiguration('http')), MOEBIUS_HOME: home },
        onMessage,
        signal: signalOf(token),
      }).catch(error => {
        throw failure ?? error;
      });
      if (model === null) throw new MoebiusError('internal', `The command ended without adding ${name}.`);
      return model;
    },
  );
}
