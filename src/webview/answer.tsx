import { useState } from 'preact/hooks';
import type { AnswerRow, ErrorAction } from '../protocol/webview.ts';
import { Icon, IconButton } from './button.tsx';
import { formatCount, formatSpeed } from './format.ts';
import { Markdown } from './markdown-view.tsx';
import { usePage } from './page.ts';
import { SentView } from './sent-view.tsx';
import type { AnswerItem } from './state.ts';
import { Work } from './work.tsx';

/** `isNewest`: nothing after it was sent; `isLast`: nothing stands after it, so it can be written again and nothing is lost. */
export function Answer({ item, isLast, isNewest }: { item: AnswerItem; isLast: boolean; isNewest: boolean }) {
  const { send } = usePage();
  const [isSentOpen, setSentOpen] = useState(false);
  const row = item.row.value;
  const isWriting = row.finish === null;
  const toggleSent = () => {
    if (!isSentOpen) send({ type: 'sent', id: item.id });
    setSentOpen(!isSentOpen);
  };
  return (
    <article
      class={`message answer ${isLast ? 'last' : ''}`}
      aria-label="Moebius"
      aria-busy={isWriting}
      data-testid="answer"
      data-finish={row.finish ?? 'writing'}
    >
      {item.work.value ? <Work item={item} work={item.work.value} /> : <Markdown source={item} />}
      <StateLine row={row} />
      {row.error && <ErrorBox row={row} isLast={isLast} />}
      {isNewest && row.canGoOn && <GoOn row={row} />}
      {!isWriting && (
        <div class="actions">
          {row.text !== '' && (
            <IconButton
              icon="copy"
              label="Copy Answer"
              testId="copy-answer"
              onClick={() => send({ type: 'copy', text: row.text })}
            />
          )}
          {isLast && (
            <IconButton
              icon="refresh"
              label="Regenerate"
              testId="regenerate"
              onClick={() => send({ type: 'regenerate', id: item.id })}
            />
          )}
          {row.model !== '' && row.work === null && (
            <button
              type="button"
              class="stats quiet"
              aria-expanded={isSentOpen}
              title="What was sent"
              data-testid="show-sent"
              onClick={toggleSent}
            >
              {row.usage ? statsOf(row) : 'What was sent'}
              <Icon name={isSentOpen ? 'chevron-up' : 'chevron-down'} />
            </button>
          )}
          {row.work !== null && row.usage && <span class="stats quiet">{statsOf(row)}</span>}
        </div>
      )}
      {isSentOpen && <SentView item={item} />}
    </article>
  );
}

const STATES: Partial<Record<NonNullable<AnswerRow['finish']>, string>> = {
  cancelled: 'Stopped',
  interrupted: 'Interrupted before it was complete',
  length: 'Cut off: the answer reached its longest length',
  time: 'Cut off: time was up',
  repetition: 'Stopped: the model repeated itself',
};

function StateLine({ row }: { row: AnswerRow }) {
  const text = row.finish && STATES[row.finish];
  const isOffered = row.canGoOn && row.finish === 'length';
  if (!text || isOffered) return null;
  return (
    <p class="quiet state" data-testid="answer-state">
      <Icon name="circle-slash" /> {text}
    </p>
  );
}

/** The agent ended before it was done. */
function GoOn({ row }: { row: AnswerRow }) {
  const { send } = usePage();
  return (
    <div class="go-on" data-testid="go-on">
      <span>
        {row.finish === 'length' ? 'It has done as much as it may at once.' : 'The task is not done.'}
      </span>
      <button
        type="button"
        class="primary"
        data-testid="continue"
        onClick={() => send({ type: 'goOn', id: row.id })}
      >
        Continue
      </button>
    </div>
  );
}

const ACTIONS: Record<ErrorAction, string> = {
  retry: 'Try Again',
  restart: 'Restart',
  'show-log': 'Show Log',
  download: 'Download Model',
  'new-chat': 'New Chat',
};

function ErrorBox({ row, isLast }: { row: AnswerRow; isLast: boolean }) {
  const { send } = usePage();
  if (!row.error) return null;
  const actions = row.error.actions.filter(action => action !== 'retry' || isLast);
  return (
    <div class="error" role="alert" data-testid="error">
      <Icon name="error" />
      <div>
        <p>{row.error.message}</p>
        {actions.length > 0 && (
          <div class="error-actions">
            {actions.map((action, index) => (
              <button
                key={action}
                type="button"
                class={index === 0 ? 'primary' : 'secondary'}
                data-testid={`error-${action}`}
                onClick={() =>
                  send(action === 'retry' ? { type: 'regenerate', id: row.id } : { type: 'action', action })
                }
              >
                {ACTIONS[action]}
              </button>
            ))}
          </div>
        )}
      </div>
    </div>
  );
}

/** `312 tokens, 21 tokens/s, 1,024 reused`. */
function statsOf({ usage }: AnswerRow): string {
  if (!usage) return '';
  const parts = [`${formatCount(usage.outputTokens)} tokens`];
  if (usage.decodeMs > 0 && usage.outputTokens > 1) {
    parts.push(`${formatSpeed(usage.outputTokens / (usage.decodeMs / 1000))}/s`);
  }
  if (usage.reusedTokens > 0) parts.push(`${formatCount(usage.reusedTokens)} reused`);
  return parts.join(' · ');
}
