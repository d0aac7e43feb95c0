import type { TodoView } from '../protocol/agent-view.ts';
import { Icon } from './button.tsx';

const ICONS: Record<TodoView['state'], string> = {
  open: 'circle-large-outline',
  doing: 'record',
  done: 'pass-filled',
};
const WORDS: Record<TodoView['state'], string> = { open: 'open', doing: 'in work', done: 'done' };

/** What the agent means to do, and how far it is. */
export function Todo({ items }: { items: readonly TodoView[] }) {
  if (items.length === 0) return null;
  const done = items.filter(item => item.state === 'done').length;
  return (
    <details class="todo" open data-testid="todo">
      <summary>
        <Icon name="chevron-right" class="twist" />
        <span>Plan</span>
        <span class="quiet">
          {done} of {items.length}
        </span>
      </summary>
      <ul>
        {items.map(item => (
          <li key={item.text} class={item.state}>
            <Icon name={ICONS[item.state]} />
            <span>
              {item.text}
              <span class="visually-hidden">, {WORDS[item.state]}</span>
            </span>
          </li>
        ))}
      </ul>
    </details>
  );
}
