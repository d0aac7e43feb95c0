import type { Phase } from '../protocol/webview.ts';
import { Icon } from './button.tsx';
import { formatCount, formatSpeed } from './format.ts';
import { usePage } from './page.ts';

/** What the model is doing, in words; empty when it is idle. */
export function phaseText(phase: Phase): string {
  switch (phase.kind) {
    case 'idle':
      return '';
    case 'down':
      return phase.reason;
    case 'starting':
      return 'Starting…';
    case 'loading':
      return `Loading the model ${Math.round(phase.percent)} %`;
    case 'queued':
      return phase.position > 0 ? `Waiting, ${phase.position} before this` : 'Waiting';
    case 'reading': {
      const reused = phase.reused > 0 ? ` (reused ${formatCount(phase.reused)})` : '';
      return `Reading ${formatCount(phase.done)} of ${formatCount(phase.total)} tokens${reused}`;
    }
    case 'thinking':
      return `Thinking, ${formatCount(phase.words)} words so far`;
    case 'writing':
      return phase.tokensPerSecond === null
        ? 'Writing'
        : `Writing ${formatSpeed(phase.tokensPerSecond)} tokens/s`;
    case 'working':
      return phase.title;
    case 'asking':
      return 'Waiting for you';
  }
}

/** Done part of the phase, 0..1; null when nobody knows. */
function progressOf(phase: Phase): number | null {
  if (phase.kind === 'loading') return phase.percent / 100;
  if (phase.kind === 'reading') return phase.total === 0 ? null : phase.done / phase.total;
  return null;
}

export function PhaseLine() {
  const { state, send } = usePage();
  const phase = state.phase.value;
  if (phase.kind === 'idle') return null;
  const isDown = phase.kind === 'down';
  const progress = progressOf(phase);
  return (
    <div class={`phase ${isDown ? 'down' : ''}`} data-testid="phase" data-phase={phase.kind}>
      <div class="phase-text">
        {isDown ? <Icon name="error" /> : <span class="pulse" aria-hidden="true" />}
        <span class="phase-words">{phaseText(phase)}</span>
        {isDown && (
          <span class="phase-actions">
            <button type="button" class="text" onClick={() => send({ type: 'action', action: 'restart' })}>
              Restart
            </button>
            <button type="button" class="text" onClick={() => send({ type: 'action', action: 'show-log' })}>
              Show Log
            </button>
          </span>
        )}
      </div>
      {progress !== null && <progress class="bar" aria-label={phaseText(phase)} value={progress} max={1} />}
    </div>
  );
}
