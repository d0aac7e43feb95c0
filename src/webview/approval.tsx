import { useEffect, useRef, useState } from 'preact/hooks';
import type { ApprovalView } from '../protocol/agent-view.ts';
import type { WebviewMessage } from '../protocol/webview.ts';
import { Icon } from './button.tsx';
import { useCardFocus } from './card-focus.ts';
import { DiffView } from './diff-view.tsx';
import { usePage } from './page.ts';
import { iconOf } from './step.tsx';

/** A card must not be answered by a click or key that was meant for what stood there before it. */
const GUARD_MS = 400;

type Decision = Extract<WebviewMessage, { type: 'decide' }>['decision'];

/** What the agent wants to do, in full, and the user's decision about it. */
export function Approval({ id, tool, request }: { id: string; tool: string; request: ApprovalView }) {
  const { send, unsent, save } = usePage();
  const card = useRef<HTMLElement>(null);
  const isArmed = useDelay(GUARD_MS);
  const begun = unsent.reply?.id === id ? unsent.reply.text : '';
  const [isDenying, setDenying] = useState(begun !== '');
  useCardFocus(card);
  const decide = (decision: Decision) => {
    if (!isArmed) return;
    save({ reply: null });
    send({ type: 'decide', id, decision });
  };
  return (
    <section
      ref={card}
      class={`approval ${request.warning ? 'careful' : ''}`}
      tabIndex={-1}
      aria-label={`Moebius asks: ${request.title}`}
      data-testid="approval"
      onKeyDown={event => {
        if (event.key !== 'Enter' || !(event.ctrlKey || event.metaKey)) return;
        event.preventDefault();
        decide({ kind: 'once' });
      }}
    >
      <header class="approval-head">
        <Icon name={iconOf(tool)} />
        <h3>{request.title}</h3>
      </header>
      {request.isDiff ? (
        <DiffView diff={request.detail} />
      ) : (
        // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keys
        <pre class="approval-command" tabIndex={0} data-testid="approval-detail">
          {request.detail}
        </pre>
      )}
      {request.warning && (
        <p class="approval-warning" data-testid="approval-warning">
          <Icon name="warning" /> {request.warning}
        </p>
      )}
      {isDenying ? (
        <Denial
          begun={begun}
          onWrite={text => save({ reply: { id, text } })}
          onDeny={reason => decide({ kind: 'deny', reason })}
          onBack={() => {
            setDenying(false);
            card.current?.focus({ preventScroll: true });
          }}
        />
      ) : (
        <div class="approval-bar">
          <button
            type="button"
            class="primary"
            disabled={!isArmed}
            title="Ctrl+Enter"
            data-testid="allow-once"
            onClick={() => decide({ kind: 'once' })}
          >
            Allow
          </button>
          <button
            type="button"
            class="secondary"
            disabled={!isArmed}
            data-testid="deny"
            onClick={() => setDenying(true)}
          >
            Deny…
          </button>
          {request.remember !== null && (
            <button
              type="button"
              class="secondary always"
              disabled={!isArmed}
              title={`Allow in this workspace from now on: ${request.remember}`}
              data-testid="allow-always"
              onClick={() => decide({ kind: 'always' })}
            >
              Always Allow {request.isDiff ? request.remember : <code>{request.remember}</code>}
            </button>
          )}
        </div>
      )}
    </section>
  );
}

interface DenialProps {
  /** What was written of it before. */
  begun: string;
  onWrite(text: string): void;
  onDeny(reason: string | null): void;
  onBack(): void;
}

/** Denying may say why, so that the model does something better instead of the same again. */
function Denial({ begun, onWrite, onDeny, onBack }: DenialProps) {
  const input = useRef<HTMLInputElement>(null);
  useEffect(() => input.current?.focus(), []);
  const deny = () => onDeny(input.current?.value.trim() || null);
  return (
    <div class="approval-bar">
      <input
        ref={input}
        class="reason"
        placeholder="What should it do instead? (optional)"
        aria-label="Reason, for the model"
        maxLength={4000}
        defaultValue={begun}
        data-testid="deny-reason"
        onInput={event => onWrite(event.currentTarget.value)}
        onKeyDown={event => {
          if (event.isComposing) return;
          if (event.key === 'Enter' && !event.ctrlKey && !event.metaKey) deny();
          if (event.key === 'Enter' || event.key === 'Escape') {
            event.preventDefault();
            event.stopPropagation();
          }
          if (event.key === 'Escape') onBack();
        }}
      />
      <button type="button" class="secondary" data-testid="deny-confirm" onClick={deny}>
        Deny
      </button>
    </div>
  );
}

function useDelay(ms: number): boolean {
  const [isOver, setOver] = useState(false);
  useEffect(() => {
    const timer = setTimeout(() => setOver(true), ms);
    return () => clearTimeout(timer);
  }, [ms]);
  return isOver;
}
