/** Changed settings take effect at once: some restart the daemon, another model or size loads again. */
import * as vscode from 'vscode';
import type { Daemon } from './context.ts';
import { onModelChange } from './model-change.ts';
import { chosenModel, storeHome } from './models/chosen-model.ts';
import { readSettings } from './settings.ts';

/** Settings that the daemon gets with its environment. */
const AT_START = ['moebius.model.home', 'moebius.engine.savedMegabytes'];

export function watchSettings(daemon: Daemon, onForget: () => void): vscode.Disposable {
  return vscode.Disposable.from(
    vscode.workspace.onDidChangeConfiguration(event => {
      const isRunning = daemon.state.kind === 'ready' || daemon.state.kind === 'loading';
      if (event.affectsConfiguration('moebius.completion')) onForget();
      if (!isRunning) return;
      if (AT_START.some(name => event.affectsConfiguration(name))) {
        void daemon.restart().then(
          () => daemon.ready(),
          () => undefined,
        );
        return;
      }
      const { model } = readSettings();
      const chosen = chosenModel(storeHome(model.home), model.id);
      const isOther = chosen !== null && 'model' in daemon.state && chosen !== daemon.state.model;
      if (chosen && (isOther || event.affectsConfiguration('moebius.engine')))
        daemon.load(chosen).catch(() => undefined);
    }),
    onModelChange(daemon, onForget),
  );
}
