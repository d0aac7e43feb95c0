import type { Picker } from '../protocol/webview.ts';
import { Icon } from './button.tsx';
import { formatSize } from './format.ts';
import { usePage } from './page.ts';

const IDEAS = [
  {
    icon: 'lightbulb',
    label: 'Explain the selection',
    attach: 'selection',
    text: 'Explain what this code does.',
  },
  {
    icon: 'beaker',
    label: 'Write tests for it',
    attach: 'selection',
    text: 'Write unit tests for this code.',
  },
  {
    icon: 'warning',
    label: 'Fix the problems',
    attach: 'problems',
    text: 'Explain these problems and fix them.',
  },
] as const;

export function EmptyState() {
  const { picker } = usePage().state;
  const offer = picker.value?.download;
  return (
    <main class="empty" data-testid="empty-state">
      <Icon name="comment-discussion" class="empty-icon" />
      <h2>Ask about your code</h2>
      <p class="quiet">The model runs on this machine. Nothing you write leaves it.</p>
      {offer ? <DownloadOffer offer={offer} /> : <Ideas />}
    </main>
  );
}

function DownloadOffer({ offer }: { offer: NonNullable<Picker['download']> }) {
  const { send } = usePage();
  return (
    <section class="card" aria-labelledby="offer-title" data-testid="download-offer">
      <h3 id="offer-title">No model is installed yet</h3>
      <p class="quiet">
        {offer.name} writes code, answers questions and completes as you type. The download is{' '}
        <strong>{formatSize(offer.sizeBytes)}</strong>, checked, and stays on this machine.
      </p>
      <button
        type="button"
        class="primary"
        data-testid="download"
        onClick={() => send({ type: 'action', action: 'download' })}
      >
        <Icon name="cloud-download" /> Download Model
      </button>
    </section>
  );
}

function Ideas() {
  const { state, send } = usePage();
  return (
    <ul class="ideas" aria-label="Suggestions">
      {IDEAS.map(idea => (
        <li key={idea.label}>
          <button
            type="button"
            class="idea"
            data-testid="idea"
            onClick={() => {
              state.returnedDraft.value = idea.text;
              state.focusRequests.value++;
              send({ type: 'attach', kind: idea.attach });
            }}
          >
            <Icon name={idea.icon} />
            {idea.label}
          </button>
        </li>
      ))}
      <li class="quiet hint">
        Type <kbd>@</kbd> to attach files, the selection or problems, <kbd>/</kbd> for commands and prompts.
      </li>
    </ul>
  );
}
