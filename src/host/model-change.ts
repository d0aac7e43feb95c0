/** Tells when a loaded model is gone, and when another one takes its place; free of vscode, so that tests run it in Node. */
import type { Daemon } from './context.ts';

/**
 * `onChange` is called when a model is ready and another one was before. The first model is no change: requests made
 * while it was loading wait for it, and forgetting them would lose what the user is waiting for.
 */
export function onModelChange(
  daemon: Pick<Daemon, 'onDidChangeState'>,
  onChange: () => void,
): { dispose(): void } {
  let loaded: string | null = null;
  return daemon.onDidChangeState(state => {
    if (state.kind !== 'ready' || state.model === loaded) return;
    const isFirst = loaded === null;
    loaded = state.model;
    if (!isFirst) onChange();
  });
}

/** `onGone` is called when a model that was ready is not any more: the process ended, or it is loaded again. */
export function onModelGone(
  daemon: Pick<Daemon, 'onDidChangeState'>,
  onGone: () => void,
): { dispose(): void } {
  let wasReady = false;
  return daemon.onDidChangeState(({ kind }) => {
    const isReady = kind === 'ready';
    if (wasReady && !isReady) onGone();
    wasReady = isReady;
  });
}
