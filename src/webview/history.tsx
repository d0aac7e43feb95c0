import { useEffect, useLayoutEffect, useRef, useState } from 'preact/hooks';
import { IconButton } from './button.tsx';
import { formatWhen } from './format.ts';
import { usePage } from './page.ts';

/** The list of earlier chats: arrow keys move, Enter opens, Delete deletes. */
export function History() {
  const { state, send } = usePage();
  const [query, setQuery] = useState('');
  const search = useRef<HTMLInputElement>(null);
  const list = useRef<HTMLUListElement>(null);
  useEffect(() => search.current?.focus(), []);
  const chats = state.history.value ?? [];
  // The chat whose button had the focus was deleted.
  useLayoutEffect(() => {
    if (document.hasFocus() && document.activeElement === document.body) search.current?.focus();
  }, [chats]);

  const move = (event: KeyboardEvent) => {
    if (event.key !== 'ArrowDown' && event.key !== 'ArrowUp') return;
    const buttons = [...(list.current?.querySelectorAll<HTMLButtonElement>('button.chat-entry') ?? [])];
    const at = buttons.indexOf(document.activeElement as HTMLButtonElement);
    const target = event.key === 'ArrowDown' ? buttons[at + 1] : buttons[at - 1];
    event.preventDefault();
    (target ?? (event.key === 'ArrowUp' ? search.current : undefined))?.focus();
  };

  return (
    <section class="history" aria-label="Chat History" data-testid="history-list" onKeyDown={move}>
      <input
        ref={search}
        class="search"
        type="search"
        placeholder="Search chats"
        aria-label="Search chats"
        value={query}
        onInput={event => {
          setQuery(event.currentTarget.value);
          send({ type: 'history', query: event.currentTarget.value });
        }}
      />
      {chats.length === 0 && (
        <p class="quiet">{query === '' ? 'No earlier chats.' : `No chat contains “${query}”.`}</p>
      )}
      <ul ref={list}>
        {chats.map(chat => (
          <li key={chat.id}>
            <button
              type="button"
              class="chat-entry"
              data-testid="history-entry"
              onClick={() => send({ type: 'openChat', id: chat.id })}
              onKeyDown={event => {
                if (event.key === 'Delete') send({ type: 'deleteChat', id: chat.id });
              }}
            >
              <span class="chat-entry-title">{chat.title}</span>
              <span class="quiet">{formatWhen(chat.changedAt, Date.now())}</span>
            </button>
            <IconButton
              icon="trash"
              label={`Delete ${chat.title}`}
              testId="history-delete"
              onClick={() => send({ type: 'deleteChat', id: chat.id })}
            />
          </li>
        ))}
      </ul>
    </section>
  );
}
