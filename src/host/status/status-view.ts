/** What the status bar shows for a state: a pure switch. */
import type { DaemonState } from '../context.ts';

export interface StatusView {
  /** With a codicon, e.g. `$(sync~spin) Moebius 40 %`. */
  text: string;
  /** Plain words for the tooltip and for screen readers. */
  description: string;
  severity: 'none' | 'warning' | 'error';
}
export interface StatusOptions {
  hasModel: boolean;
  isCompletionOn: boolean;
  isTrusted: boolean;
}

export function statusView(state: DaemonState, options: StatusOptions): StatusView {
  switch (state.kind) {
    case 'idle':
    case 'stopped':
      return options.hasModel ? resting(options) : noModel();
    case 'no-model':
      // The daemon is up and has no model: nobody asked for one yet, or there is none, or it can't be loaded.
      if (!options.hasModel) return noModel();
      return state.reason.startsWith('No model has been asked for') ? resting(options) : failed(state.reason);
    case 'starting':
      return busy('starting', 'The inference daemon is starting.');
    case 'loading':
      return busy(
        `${Math.floor(state.percent)} %`,
        `Loading ${state.model}: ${Math.floor(state.percent)} %.`,
      );
    case 'backoff': {
      const seconds = Math.max(1, Math.round(state.retryInMs / 1000));
      const description = `${state.reason} Starting again in ${seconds} s (attempt ${state.attempt}).`;
      return { text: '$(warning) Moebius', description, severity: 'warning' };
    }
    case 'failed':
      return failed(state.reason);
    case 'ready':
      return ready(state, options);
  }
}

function ready(state: Extract<DaemonState, { kind: 'ready' }>, options: StatusOptions): StatusView {
  const speed = state.status?.speed.decodeTokensPerSecond;
  const rate = speed ? ` It writes ${speed.toFixed(1)} tokens/s.` : '';
  const phase = state.status?.phase;
  if (phase === 'reading') return busy('', `${state.model} is reading a prompt.${rate}`);
  if (phase === 'writing') return busy('', `${state.model} is writing.${rate}`);
  return { ...quiet(options), description: `${state.model} is ready.${rate}${completionNote(options)}` };
}

const resting = (options: StatusOptions): StatusView => ({
  ...quiet(options),
  description: `The model is loaded when it is needed.${completionNote(options)}`,
});

const quiet = ({ isCompletionOn, isTrusted }: StatusOptions): Pick<StatusView, 'text' | 'severity'> => ({
  text: isCompletionOn && isTrusted ? '$(sparkle) Moebius' : '$(circle-slash) Moebius',
  severity: 'none',
});

function completionNote({ isCompletionOn, isTrusted }: StatusOptions): string {
  if (!isTrusted) return ' Restricted Mode: nothing runs by itself; commands and chat do when you ask.';
  return isCompletionOn ? '' : ' Completions are off here.';
}

const noModel = (): StatusView => ({
  text: '$(cloud-download) Moebius: no model',
  description: 'No model is installed. Click to get one.',
  severity: 'warning',
});

const failed = (reason: string): StatusView => ({
  text: '$(error) Moebius',
  description: reason,
  severity: 'error',
});

const busy = (detail: string, description: string): StatusView => ({
  text: `$(loading~spin) Moebius${detail && ` ${detail}`}`,
  description,
  severity: 'none',
});
