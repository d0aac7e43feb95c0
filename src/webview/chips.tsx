import type { Chip } from '../protocol/webview.ts';
import { Icon } from './button.tsx';
import { formatCompact, formatCount } from './format.ts';

const ICONS = {
  file: 'file',
  folder: 'folder',
  symbol: 'symbol-method',
  selection: 'list-selection',
  problems: 'warning',
  text: 'note',
} as const;

/** What is attached. With `onRemove` each chip has a remove button. */
export function Chips({ chips, onRemove }: { chips: readonly Chip[]; onRemove?(id: string): void }) {
  if (chips.length === 0) return null;
  return (
    <ul class="chips" aria-label="Attached">
      {chips.map(chip => (
        <li key={chip.id} class={`chip ${chip.cut ? 'cut' : ''}`} title={describe(chip)} data-testid="chip">
          <Icon name={ICONS[chip.kind]} />
          <span class="chip-label">{chip.label}</span>
          {chip.tokens !== null && <span class="chip-tokens">{formatCompact(chip.tokens)}</span>}
          {chip.cut && <span class="chip-cut">cut</span>}
          {onRemove && (
            <button
              type="button"
              class="chip-remove"
              aria-label={`Remove ${chip.label}`}
              title="Remove"
              data-testid="chip-remove"
              onClick={() => onRemove(chip.id)}
            >
              <Icon name="close" />
            </button>
          )}
        </li>
      ))}
    </ul>
  );
}

function describe({ label, tokens, cut }: Chip): string {
  const size = tokens === null ? 'not counted yet' : `${formatCount(tokens)} tokens`;
  return `${label}, ${size}${cut ? `, ${cut}` : ''}`;
}
