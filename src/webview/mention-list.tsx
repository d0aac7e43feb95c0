import { useEffect, useRef } from 'preact/hooks';
import type { Suggestion } from '../protocol/webview.ts';
import { Icon } from './button.tsx';

const ICONS = {
  selection: 'list-selection',
  problems: 'warning',
  file: 'file',
  pick: 'folder-opened',
} as const;

interface Props {
  options: readonly Suggestion[];
  chosen: number;
  onChoose(option: Suggestion): void;
}

/** What can be attached. The focus stays in the input, which names the chosen option. */
export function MentionList({ options, chosen, onChoose }: Props) {
  const current = useRef<HTMLDivElement>(null);
  useEffect(() => current.current?.scrollIntoView({ block: 'nearest' }), [chosen]);
  return (
    <div id="mentions" class="mentions" role="listbox" aria-label="Attach" data-testid="mentions">
      {options.map((option, index) => (
        <div
          key={`${option.kind} ${option.path ?? ''}`}
          ref={index === chosen ? current : null}
          id={`mention-${index}`}
          class={`mention ${index === chosen ? 'chosen' : ''}`}
          role="option"
          tabIndex={-1}
          aria-selected={index === chosen}
          data-testid="mention"
          // Down, not click: a click would take the focus from the input first.
          onMouseDown={event => {
            event.preventDefault();
            onChoose(option);
          }}
        >
          <Icon name={ICONS[option.kind]} />
          <span class="mention-label">{option.label}</span>
          <span class="mention-detail">{option.detail}</span>
        </div>
      ))}
    </div>
  );
}
