import { useEffect, useRef, useState } from 'preact/hooks';
import { Icon, IconButton } from './button.tsx';
import { Chips } from './chips.tsx';
import { canSend } from './draft.ts';
import { isEscape } from './escape.ts';
import { usePage } from './page.ts';
import { closeEdit, openEdit, type UserItem } from './state.ts';

export function UserMessage({ item }: { item: UserItem }) {
  const { state, send } = usePage();
  const { id, text, chips, state: sending } = item.row.value;
  if (state.editing.value === id) return <EditBox id={id} text={text} />;
  return (
    <article class="message user" aria-label="You" data-testid="user-message">
      <Chips chips={chips} />
      <p class="user-text">{text}</p>
      {sending === 'queued' && (
        <p class="quiet state" data-testid="queued">
          <Icon name="clock" /> Queued
        </p>
      )}
      {sending === 'unsent' && (
        <p class="quiet state" data-testid="unsent">
          <Icon name="clock" /> Not sent
          <button
            type="button"
            class="text"
            data-testid="send-unsent"
            onClick={() => send({ type: 'sendUnsent', id })}
          >
            Send
          </button>
          <button
            type="button"
            class="text"
            data-testid="unqueue"
            onClick={() => send({ type: 'unqueue', id })}
          >
            Drop
          </button>
        </p>
      )}
      <div class="actions">
        {sending === 'queued' && (
          <IconButton
            icon="close"
            label="Take Back"
            testId="unqueue"
            onClick={() => send({ type: 'unqueue', id })}
          />
        )}
        {sending === 'sent' && (
          <>
            <IconButton
              icon="history"
              label="Restore to Before This Message…"
              testId="restore"
              onClick={() => send({ type: 'restore', id })}
            />
            <IconButton
              icon="edit"
              label="Edit and Resend"
              testId="edit"
              onClick={() => openEdit(state, id)}
            />
          </>
        )}
      </div>
    </article>
  );
}

function EditBox({ id, text }: { id: string; text: string }) {
  const { state, send } = usePage();
  const input = useRef<HTMLTextAreaElement>(null);
  const [begun] = useState(() => state.editedText.peek() ?? text);
  useEffect(() => {
    input.current?.focus();
    input.current?.setSelectionRange(begun.length, begun.length);
  }, [begun]);
  const close = () => {
    closeEdit(state);
    state.focusRequests.value++;
  };
  const resend = () => {
    const edited = input.current?.value ?? '';
    if (!canSend(edited, state.toast)) return;
    close();
    send({ type: 'edit', id, text: edited });
  };
  return (
    <article class="message user editing" aria-label="Edit your message">
      <textarea
        ref={input}
        class="edit-input"
        aria-label="Edit your message"
        data-testid="edit-input"
        rows={Math.min(12, begun.split('\n').length + 1)}
        onInput={event => {
          const { value } = event.currentTarget;
          state.editedText.value = value === text ? null : value;
        }}
        onKeyDown={event => {
          if (event.key === 'Enter' && !event.shiftKey && !event.isComposing) {
            event.preventDefault();
            resend();
          }
          if (isEscape(event)) {
            event.preventDefault();
            close();
          }
        }}
      >
        {begun}
      </textarea>
      <div class="edit-bar">
        <span class="quiet">What follows is removed</span>
        <button type="button" class="secondary" onClick={close}>
          Cancel
        </button>
        <button type="button" class="primary" data-testid="resend" onClick={resend}>
          Send
        </button>
      </div>
    </article>
  );
}
