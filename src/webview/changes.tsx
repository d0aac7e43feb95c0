import type { ChangedFileView } from '../protocol/agent-view.ts';
import { Icon, IconButton } from './button.tsx';
import { usePage } from './page.ts';

const ICONS: Record<ChangedFileView['kind'], string> = {
  edit: 'diff-modified',
  create: 'diff-added',
  delete: 'diff-removed',
};

/** The files that an answer changed: each can be compared and put back, and all of them at once. */
export function Changes({ answerId, changed }: { answerId: string; changed: readonly ChangedFileView[] }) {
  const { send } = usePage();
  if (changed.length === 0) return null;
  const isUndone = changed.every(file => file.isUndone);
  const isDecided = changed.every(file => file.isUndone || file.isKept);
  const sum = (count: (file: ChangedFileView) => number) =>
    changed.reduce((total, file) => total + count(file), 0);
  return (
    <section class="changes" aria-label="Changed files" data-testid="changes">
      <header>
        <span class="changes-title">
          {isUndone ? 'Undone: ' : isDecided && 'Kept: '}
          {changed.length === 1 ? '1 file changed' : `${changed.length} files changed`}
        </span>
        <Lines added={sum(file => file.addedLines)} removed={sum(file => file.removedLines)} />
        <span class="changes-actions">
          {!isDecided && (
            <button
              type="button"
              class="text"
              data-testid="keep-turn"
              onClick={() => send({ type: 'keepTurn', id: answerId })}
            >
              Keep All
            </button>
          )}
          {!isUndone && (
            <button
              type="button"
              class="text"
              data-testid="undo-turn"
              onClick={() => send({ type: 'undoTurn', id: answerId })}
            >
              Undo All
            </button>
          )}
        </span>
      </header>
      <ul>
        {changed.map(file => (
          <li key={file.path} class={file.isUndone ? 'undone' : ''} data-testid="changed-file">
            <button
              type="button"
              class="changed-name"
              title={`Compare ${file.path} with what it was before`}
              onClick={() => send({ type: 'openDiff', id: answerId, path: file.path })}
            >
              <Icon name={ICONS[file.kind]} class={file.kind} />
              <span class="changed-path">{file.path}</span>
            </button>
            <Lines added={file.addedLines} removed={file.removedLines} />
            {!file.isUndone && (
              <IconButton
                icon="discard"
                label={`Undo the Changes of ${file.path}`}
                testId="undo-file"
                onClick={() => send({ type: 'undoFile', id: answerId, path: file.path })}
              />
            )}
          </li>
        ))}
      </ul>
    </section>
  );
}

function Lines({ added, removed }: { added: number; removed: number }) {
  return (
    <span class="lines" role="img" aria-label={`${added} lines added, ${removed} removed`}>
      <span class="added">+{added}</span> <span class="removed">−{removed}</span>
    </span>
  );
}
