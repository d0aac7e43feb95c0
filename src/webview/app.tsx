import { useEffect, useState } from 'preact/hooks';
import { IconButton } from './button.tsx';
import { Composer } from './composer.tsx';
import { EmptyState } from './empty-state.tsx';
import { isEscape } from './escape.ts';
import { History } from './history.tsx';
import { draggedUris, mayHaveUris } from './mention.ts';
import { MessageList } from './message-list.tsx';
import { usePage } from './page.ts';
import { PhaseLine } from './phase-line.tsx';
import { closeEdit } from './state.ts';
import { Toast } from './toast.tsx';
import { Todo } from './todo.tsx';

export function App() {
  const { state, send } = usePage();
  const isDragging = useDropOfFiles();
  useEscape();
  useFocusOfView();
  const toggleHistory = () => {
    const isOpen = state.history.value !== null;
    state.history.value = isOpen ? null : [];
    if (!isOpen) send({ type: 'history', query: '' });
  };
  return (
    <div class="app" data-testid="chat">
      <header class="top">
        <h1 class="title" data-testid="chat-title">
          {state.title.value || 'New Chat'}
        </h1>
        <IconButton
          icon="history"
          label="Chat History"
          testId="history"
          expanded={state.history.value !== null}
          onClick={toggleHistory}
        />
        <IconButton icon="add" label="New Chat" testId="new-chat" onClick={() => send({ type: 'newChat' })} />
      </header>
      {state.history.value && <History />}
      {state.items.value.length === 0 ? <EmptyState /> : <MessageList />}
      <div class="dock">
        <Toast />
        <CurrentPlan />
        <PhaseLine />
        <Composer />
      </div>
      {isDragging && (
        <div class="drop-target" aria-hidden="true">
          Drop to attach
        </div>
      )}
      <div class="visually-hidden" role="status" aria-live="polite" data-testid="announcement">
        {state.announcement.value}
      </div>
    </div>
  );
}

/** The plan of the answer that is being worked on stays in view; afterwards it is part of the answer. */
function CurrentPlan() {
  const last = usePage().state.items.value.findLast(item => item.kind === 'answer');
  if (last?.row.value.finish !== null) return null;
  return <Todo items={last.work.value?.facts.value.todo ?? []} />;
}

/** Escape closes what is open, then stops the answer. */
function useEscape(): void {
  const { state, send } = usePage();
  useEffect(() => {
    const onKeyDown = (event: KeyboardEvent) => {
      if (!isEscape(event)) return;
      if (state.history.value) state.history.value = null;
      else if (state.editing.value) closeEdit(state);
      else send({ type: 'stop' });
    };
    window.addEventListener('keydown', onKeyDown);
    return () => window.removeEventListener('keydown', onKeyDown);
  }, [state, send]);
}

/** The view was focused as a whole, e.g. by "Focus on Chat View": the input takes the focus. A click keeps its own. */
function useFocusOfView(): void {
  const { state } = usePage();
  useEffect(() => {
    let clickedAt = Number.NEGATIVE_INFINITY;
    const onPointerDown = () => {
      clickedAt = performance.now();
    };
    const onFocus = () =>
      setTimeout(() => {
        const isFree = document.activeElement === document.body && performance.now() - clickedAt > 200;
        if (isFree) state.focusRequests.value++;
      }, 50);
    window.addEventListener('pointerdown', onPointerDown, true);
    window.addEventListener('focus', onFocus);
    return () => {
      window.removeEventListener('pointerdown', onPointerDown, true);
      window.removeEventListener('focus', onFocus);
    };
  }, [state]);
}

/** As many as the host takes of one drop. */
const MOST_DROPPED = 50;

/** Other things that are dragged are left to the page, such as text, which goes into the input. */
function useDropOfFiles(): boolean {
  const { state, send } = usePage();
  const [isDragging, setDragging] = useState(false);
  useEffect(() => {
    const onDragOver = (event: DragEvent) => {
      const { dataTransfer } = event;
      const isWelcome = mayHaveUris(dataTransfer?.types ?? []);
      if (isWelcome) setDragging(true);
      // A file from outside the editor has no URI, and would be opened in place of the page.
      else if (dataTransfer?.types.includes('Files')) dataTransfer.dropEffect = 'none';
      else return;
      event.preventDefault();
    };
    const onDragLeave = (event: DragEvent) => {
      if (event.relatedTarget === null) setDragging(false);
    };
    const onDrop = (event: DragEvent) => {
      const { dataTransfer } = event;
      if (!dataTransfer || !mayHaveUris(dataTransfer.types)) return;
      event.preventDefault();
      setDragging(false);
      const uris = draggedUris(type => dataTransfer.getData(type));
      if (uris.length > 0) send({ type: 'drop', uris: uris.slice(0, MOST_DROPPED) });
      if (uris.length > MOST_DROPPED)
        state.toast.value = `Only the first ${MOST_DROPPED} of ${uris.length} files are attached.`;
    };
    window.addEventListener('dragover', onDragOver);
    window.addEventListener('dragleave', onDragLeave);
    window.addEventListener('drop', onDrop);
    return () => {
      window.removeEventListener('dragover', onDragOver);
      window.removeEventListener('dragleave', onDragLeave);
      window.removeEventListener('drop', onDrop);
    };
  }, [state, send]);
  return isDragging;
}
