/** Changed settings take effect at once: some restart the daemon, another model or size loads again. */
import * as vscode from 'vscode';
import type { Daemon, DaemonState } from './context.ts';
import { onModelChange } from './model-change.ts';
import { chosenModel, storeHome } from './models/chosen-model.ts';
import { readSettings } from './settings.ts';

/** Settings that the daemon gets with its environment. */
const AT_START = ['moebius.model.home', 'moebius.engine.savedMegabytes'];
const WITH_PROCESS: ReadonlySet<DaemonState['kind']> = new Set(['starting', 'no-model', 'loading', 'ready']);

/** `load`: the chosen model, in the process that runs. */
export type Reaction = 'restart' | 'load' | null;

export function watchSettings(daemon: Daemon, onForget: () => void): vscode.Disposable {
  return vscode.Disposable.from(
    vscode.workspace.onDidChangeConfiguration(event => {
      if (event.affectsConfiguration('moebius.completion')) onForget();
      const { model } = readSettings();
      const chosen = chosenModel(storeHome(model.home), model.id);
      const reaction = reactionTo(name => event.affectsConfiguration(name), daemon.state, chosen);
      // What fails shows in the daemon's state.
      if (reaction === 'restart') restart(daemon, chosen !== null).catch(() => undefined);
      if (reaction === 'load') daemon.load(chosen!).catch(() => undefined);
    }),
    onModelChange(daemon, onForget),
  );
}

async function restart(daemon: Daemon, hasModel: boolean): Promise<void> {
  await daemon.restart();
  if (hasModel) await daemon.ready();
}

/** What the daemon has to do when the settings change that `affects` is true for; `chosen` is the model they say now. */
export function reactionTo(
  affects: (name: string) => boolean,
  state: DaemonState,
  chosen: string | null,
): Reaction {
  if (AT_START.some(affects)) return WITH_PROCESS.has(state.kind) ? 'restart' : null;
  if (chosen === null || (state.kind !== 'ready' && state.kind !== 'loading')) return null;
  // Another model may run than the one chosen: asked for by name, or because one was installed since. A setting of something else
  // does not end its work.
  const isOther = affects('moebius.model') && chosen !== state.model;
  return isOther || affects('moebius.engine') ? 'load' : null;
}
