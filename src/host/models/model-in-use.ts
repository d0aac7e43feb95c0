/** Which model the daemon has, and how to come by one of a name; free of vscode, so that tests run it in Node. */
import { orAborted } from '../../base/abort.ts';
import type { ModelInfo } from '../../protocol/daemon.ts';
import type { Daemon, DaemonState } from '../context.ts';

/** Loaded or being loaded; not always the one of the settings, for another may have been asked for by name. null: none. */
export const modelInUse = (state: DaemonState): string | null => ('model' in state ? state.model : null);

/** The model of this name, which is loaded unless it is there or on its way; no other one is loaded before it. */
export function readyWith(
  daemon: Pick<Daemon, 'state' | 'ready' | 'load'>,
  id: string,
  signal?: AbortSignal,
): Promise<ModelInfo> {
  return modelInUse(daemon.state) === id ? daemon.ready(signal) : orAborted(daemon.load(id), signal);
}

/** One entry a model, in its first variant: that is the one which is loaded. */
export const firstVariants = <T extends { id: string }>(models: readonly T[]): T[] =>
  models.filter(({ id }, index) => models.findIndex(other => other.id === id) === index);
