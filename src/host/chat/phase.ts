import type { Phase } from '../../protocol/webview.ts';
import type { DaemonState } from '../context.ts';

/** What the line above the input says: the answer's own phase, or why it has not begun. */
export function phaseOf(session: Phase, daemon: DaemonState): Phase {
  if (session.kind !== 'idle' && session.kind !== 'starting') return session;
  switch (daemon.kind) {
    case 'failed':
      return { kind: 'down', reason: daemon.reason };
    case 'loading':
      return { kind: 'loading', percent: daemon.percent };
    case 'starting':
    case 'backoff':
      return { kind: 'starting' };
    default:
      return session;
  }
}
