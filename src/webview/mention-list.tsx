import { useEffect, useRef } from 'preact/hooks';
import type { Suggestion } from '../protocol/webview.ts';
import { Icon } from './button.tsx';
import type { MentionAtCaret } from './mention.ts';
import { keyOf } from './mention-keys.ts';

const ICONS = {
  selection: 'list-selection',
  problems: 'warning',
  file: 'file',
  folder: 'folder',
  symbol: 'symbol-method',
  pick: 'folder-opened',
  command: 'symbol-event',
  prompt: 'book',
  skill: 'mortar-board',
} as const;

const NAMES = { context: 'Attach', slash: 'Commands, prompts and skills' } as const;

interface Props {
  list: MentionAtCaret['list'];
  options: readonly Suggestion[];
  /** -1: none. */
  chosen: number;
  onChoose(option: Suggestion): void;
}

/** What can be chosen for what is being typed. The focus stays in the input, which names the chosen option. */
export function MentionList({ list, options, chosen, onChoose }: Props) {
  const current = useRef<HTMLDivElement>(null);
  useEffect(() => current.current?.scrollIntoView({ block: 'nearest' }), [chosen]);
  return (
    <div id="mentions" class="mentions" role="listbox" aria-label={NAMES[list]} data-testid="mentions">
      {options.map((option, index) => (
        <div
          key={keyOf(option)}
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
