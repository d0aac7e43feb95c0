import { useEffect, useLayoutEffect, useRef, useState } from 'preact/hooks';
import type { Mode } from '../protocol/agent-view.ts';
import { MAX_MESSAGE_CHARS } from '../protocol/message-length.ts';
import type { Suggestion } from '../protocol/webview.ts';
import { AgentPickers } from './agent-pickers.tsx';
import { IconButton } from './button.tsx';
import { Chips } from './chips.tsx';
import { canSend, withReturned } from './draft.ts';
import { type MentionAtCaret, mentionAt, withoutMention, withoutSlash } from './mention.ts';
import {
  type Asked,
  actionOf,
  chosenOf,
  isAnswered,
  isInTime,
  type ListAction,
  optionsOf,
} from './mention-keys.ts';
import { MentionList } from './mention-list.tsx';
import { ContextMeter } from './meter.tsx';
import { usePage } from './page.ts';
import { Pickers } from './pickers.tsx';
import { announce, openEdit } from './state.ts';

/** The input: text, what is attached, the pickers, send and stop. */
export function Composer() {
  const { state, send, unsent, save } = usePage();
  const input = useRef<HTMLTextAreaElement>(null);
  const [text, setText] = useState(unsent.draft);
  const [mention, setMention] = useState<MentionAtCaret | null>(null);
  const [moved, setMoved] = useState<Suggestion | null>(null);
  const suggestions = state.suggestions.value;
  const asked = useRef<Asked>({ first: suggestions.requestId, last: suggestions.requestId, atMs: 0 });
  /** Was pressed before the list for the last letter was there. */
  const waitingKey = useRef<string | null>(null);
  /** Where the caret goes in a text that was not typed. */
  const wantedCaret = useRef<number | null>(null);
  const options = mention ? optionsOf(suggestions, asked.current) : [];
  const { chosen, isMoved } = chosenOf(options, moved);
  const { kind } = state.phase.value;
  const isBusy = kind !== 'idle' && kind !== 'down';

  const change = (value: string, caret: number) => {
    setText(value);
    save({ draft: value });
    waitingKey.current = null;
    // For the meter, which is full before that.
    send({ type: 'draft', text: value.slice(0, MAX_MESSAGE_CHARS) });
    const found = mentionAt(value, caret);
    setMention(found);
    if (found && (found.query !== mention?.query || found.list !== mention.list)) {
      setMoved(null);
      const { list, query, start } = found;
      const requestId = asked.current.last + 1;
      const isSameWord = list === mention?.list && start === mention.start;
      const first = isSameWord ? asked.current.first : requestId;
      asked.current = { first, last: requestId, atMs: performance.now() };
      send({ type: 'suggest', requestId, list, query });
    }
  };
  const put = (value: string, caret: number) => {
    wantedCaret.current = caret;
    change(value, caret);
  };
  const submit = () => {
    if (!canSend(text, state.toast)) return;
    send({ type: 'send', text });
    change('', 0);
    // The button that was clicked can do nothing any more.
    input.current?.focus();
  };
  const choose = (option: Suggestion) => {
    if (!mention) return;
    input.current?.focus();
    const { kind, label, path, line } = option;
    if (kind === 'command') {
      put(withoutSlash(text, mention), 0);
      return send({ type: 'send', text: label });
    }
    // What follows its name is for the prompt or the skill.
    if (kind === 'prompt' || kind === 'skill') {
      return put(`${label} ${withoutSlash(text, mention)}`, label.length + 1);
    }
    const rest = withoutMention(text, mention);
    put(rest.text, rest.caret);
    setMention(null);
    send({
      type: 'attach',
      kind,
      ...(path !== undefined && { path }),
      ...(line !== undefined && { line }),
    });
  };
  const openMentions = () => {
    const caret = input.current?.selectionStart ?? text.length;
    const gap = caret === 0 || /\s$/.test(text.slice(0, caret)) ? '' : ' ';
    put(`${text.slice(0, caret)}${gap}@${text.slice(caret)}`, caret + gap.length + 1);
    input.current?.focus();
  };
  const actionOfKey = (key: string) =>
    mention &&
    actionOf(key, {
      count: options.length,
      chosen,
      isMoved,
      isAwaited: !isAnswered(suggestions, asked.current) && isInTime(asked.current, performance.now()),
    });
  const act = (action: ListAction, key: string) => {
    if (action.kind === 'move') setMoved(options[action.to]!);
    if (action.kind === 'choose') choose(options[action.index]!);
    if (action.kind === 'wait') waitingKey.current = key;
    if (action.kind === 'close') setMention(null);
  };
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.isComposing) return;
    const action = event.shiftKey ? null : actionOfKey(event.key);
    if (action) {
      event.preventDefault();
      return act(action, event.key);
    }
    if (event.key === 'Enter' && !event.shiftKey) {
      event.preventDefault();
      submit();
    }
    if (event.key === 'ArrowUp' && text === '') {
      const last = state.items.value.findLast(item => item.kind === 'user');
      if (!last) return;
      event.preventDefault();
      openEdit(state, last.id);
    }
  };

  useEffect(() => {
    if (state.focusRequests.value > 0) input.current?.focus();
  }, [state.focusRequests.value]);
  useEffect(() => {
    if (state.returnedDraft.value === '') return;
    change(withReturned(state.returnedDraft.value, text), 0);
    state.returnedDraft.value = '';
  }, [state.returnedDraft.value]);
  useEffect(() => {
    // The list opens beside the input, which keeps the focus: it must be told that there is one.
    if (options.length > 0) announce(state, announcementOfList(options));
    const key = waitingKey.current;
    if (key === null || !isAnswered(suggestions, asked.current)) return;
    waitingKey.current = null;
    if (!mention || !isInTime(asked.current, performance.now())) return;
    const action = actionOfKey(key);
    if (action) act(action, key);
    else if (key === 'Enter') submit();
  }, [suggestions]);
  useLayoutEffect(() => {
    const caret = wantedCaret.current;
    wantedCaret.current = null;
    if (caret !== null) input.current?.setSelectionRange(caret, caret);
  });
  useLayoutEffect(() => fitHeight(input.current), [text]);

  return (
    <form
      class="composer"
      aria-label="Message"
      onSubmit={event => {
        event.preventDefault();
        submit();
      }}
    >
      {mention && options.length > 0 && (
        <MentionList list={mention.list} options={options} chosen={chosen} onChoose={choose} />
      )}
      <Chips chips={state.chips.value} onRemove={id => send({ type: 'detach', id })} />
      <textarea
        ref={input}
        class="input"
        rows={1}
        placeholder={placeholderOf(isBusy, state.agent.value?.mode)}
        aria-label="Message to Moebius"
        aria-autocomplete="list"
        aria-haspopup="listbox"
        aria-controls="mentions"
        aria-activedescendant={chosen >= 0 ? `mention-${chosen}` : undefined}
        data-testid="input"
        value={text}
        onInput={event => change(event.currentTarget.value, event.currentTarget.selectionStart)}
        onBlur={() => setMention(null)}
        onKeyDown={onKeyDown}
      />
      <div class="composer-bar">
        <IconButton icon="mention" label="Attach Context" testId="attach" onClick={openMentions} />
        <Pickers />
        <span class="spring" />
        {isBusy && (
          <IconButton
            icon="debug-stop"
            label="Stop (Escape)"
            testId="stop"
            class="stop"
            onClick={() => send({ type: 'stop' })}
          />
        )}
        <IconButton
          icon="arrow-up"
          label={isBusy ? 'Queue Message (Enter)' : 'Send (Enter)'}
          testId="send"
          class="send"
          disabled={text.trim() === ''}
          onClick={submit}
        />
      </div>
      <div class="composer-foot">
        <AgentPickers />
        <span class="spring" />
        <ContextMeter />
      </div>
    </form>
  );
}

function placeholderOf(isBusy: boolean, mode: Mode = 'ask'): string {
  if (mode === 'ask') return isBusy ? 'Ask the next question' : `Ask about your code, ${SIGNS}`;
  if (isBusy) return 'Queue the next message';
  return mode === 'plan' ? `What should be planned? ${SIGNS}` : `What should be done? ${SIGNS}`;
}
const SIGNS = '@ files, / more';

function announcementOfList(options: readonly Suggestion[]): string {
  const { label, detail } = options[0]!;
  const count = options.length === 1 ? '1 suggestion' : `${options.length} suggestions`;
  return `${count}, arrow keys to choose. ${label}${detail === '' ? '' : `: ${detail}`}`;
}

/** Grows with its text; the style sheet caps it. */
function fitHeight(input: HTMLTextAreaElement | null): void {
  if (!input) return;
  input.style.height = 'auto';
  input.style.height = `${input.scrollHeight}px`;
}
