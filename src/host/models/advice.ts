/** What a model would be like on this machine, in the words of a picker or a question. */
import { join } from 'node:path';
import * as vscode from 'vscode';
import { withHugePages } from '../../base/huge-pages.ts';
import type { CatalogueEntry } from '../../models/catalogue.ts';
import {
  type AdditionAdvice,
  adviseAddition,
  adviseInstalled,
  type HardwareAdvice,
  limitNote,
  type Machine,
  speedNote,
} from '../../models/hardware.ts';
import { readMachineProfile, surveyMachine } from '../../models/machine.ts';
import { openStore, type StoredModel } from '../../models/store.ts';
import { runCommand } from '../daemon/spawn.ts';
import { signalOf } from '../report.ts';

/** For a picker, which does not wait: without a self-test it says nothing of speed. */
export function noteOfEntry({ facts, sizeBytes }: CatalogueEntry, machine: Machine): string {
  return noteOf(adviseAddition(facts, sizeBytes, machine));
}

export async function noteOfInstalled(model: StoredModel, machine: Machine): Promise<string> {
  return noteOf(await adviseInstalled(model, machine));
}

function noteOf(advice: HardwareAdvice): string {
  const memory = `${(advice.memoryBytes / 1e9).toFixed(1)} GB of memory`;
  return limitNote(advice) ?? [memory, speedNote(advice)].filter(Boolean).join(', ');
}

/** Before a download: measures the machine first, if nobody has yet. Advice of memory and disk alone if that fails. */
export async function adviceBeforeDownload(
  entry: CatalogueEntry,
  { extensionPath, home }: { extensionPath: string; home: string },
): Promise<AdditionAdvice> {
  if (!(await readMachineProfile(home))) await measure(extensionPath, home);
  return adviseAddition(entry.facts, entry.sizeBytes, await surveyMachine(await openStore(home)));
}

/** The command leaves what it found in the store. Cancelling it is the user's way to not wait. */
function measure(extensionPath: string, home: string): Thenable<void> {
  return vscode.window.withProgress(
    {
      location: vscode.ProgressLocation.Notification,
      title: 'Moebius: measuring this machine, a few seconds',
      cancellable: true,
    },
    (_progress, token) =>
      runCommand({
        script: join(extensionPath, 'dist', 'cli.js'),
        args: ['doctor', '--json'],
        // As the daemon will run: large pages make a difference of several percent.
        env: withHugePages({ MOEBIUS_HOME: home }),
        onMessage: () => undefined,
        signal: signalOf(token),
      }).catch(() => undefined),
  );
}
