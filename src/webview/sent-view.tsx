import { formatCount } from './format.ts';
import type { AnswerItem } from './state.ts';

/** Every part of the prompt with its tokens; a part opens to show its text. */
export function SentView({ item }: { item: AnswerItem }) {
  const parts = item.sent.value;
  const usage = item.row.value.usage;
  if (!parts) return <p class="quiet">Counting…</p>;
  if (parts.length === 0) return <p class="quiet">Nothing was sent.</p>;
  const total = parts.reduce((sum, part) => sum + part.tokens, 0);
  return (
    <section class="sent" aria-label="What was sent" data-testid="sent">
      <h3>
        What was sent <span>{formatCount(total)} tokens</span>
      </h3>
      {parts.map((part, index) => (
        // Keyed by place: the parts of a prompt that was sent never change.
        <details key={index} data-testid="sent-part">
          <summary>
            <span class="sent-label">{part.label}</span>
            <span class="sent-tokens">{formatCount(part.tokens)}</span>
          </summary>
          <pre>{part.text}</pre>
        </details>
      ))}
      {usage && (
        <p class="quiet">
          {formatCount(usage.reusedTokens)} of {formatCount(usage.promptTokens)} tokens were still in memory
          and not read again. Reading took {(usage.prefillMs / 1000).toFixed(1)} s, writing{' '}
          {(usage.decodeMs / 1000).toFixed(1)} s. Read at level “{item.row.value.level}” by{' '}
          {item.row.value.model}.
        </p>
      )}
    </section>
  );
}
