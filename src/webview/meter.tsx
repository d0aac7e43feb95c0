import { formatCompact, formatCount } from './format.ts';
import { usePage } from './page.ts';

/** Circumference of the ring of radius 6. */
const TURN = 2 * Math.PI * 6;

/** How full the model's window will be with the next message. */
export function ContextMeter() {
  const meter = usePage().state.meter.value;
  if (!meter) return null;
  const { usedTokens, windowTokens, reusedTokens, exact } = meter;
  const share = Math.min(1, usedTokens / windowTokens);
  const about = exact ? '' : 'about ';
  const label =
    `Context: ${about}${formatCount(usedTokens)} of ${formatCount(windowTokens)} tokens` +
    (reusedTokens > 0 ? `, ${formatCount(reusedTokens)} reused by the last answer` : '');
  const fullness = share > 0.95 ? 'full' : share > 0.75 ? 'high' : '';
  return (
    // biome-ignore lint/a11y/useSemanticElements: <meter> can't be drawn as a ring
    <div
      class={`meter ${fullness}`}
      role="meter"
      aria-label={label}
      aria-valuemin={0}
      aria-valuemax={windowTokens}
      aria-valuenow={usedTokens}
      title={label}
      data-testid="context-meter"
    >
      <svg viewBox="0 0 16 16" width="14" height="14" aria-hidden="true">
        <circle cx="8" cy="8" r="6" class="meter-track" />
        <circle
          cx="8"
          cy="8"
          r="6"
          class="meter-value"
          stroke-dasharray={`${share * TURN} ${TURN}`}
          transform="rotate(-90 8 8)"
        />
      </svg>
      <span>
        {exact ? '' : '~'}
        {formatCompact(usedTokens)}
      </span>
    </div>
  );
}
