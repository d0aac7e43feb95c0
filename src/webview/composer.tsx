import { useEffect, useLayoutEffect, useRef, useState } from 'preact/hooks';
import type { Mode } from '../protocol/agent-view.ts';
import { MAX_MESSAGE_CHARS } from '../protocol/message-length.ts';
import type { Suggestion } from '../protocol/webview.ts';
import { AgentPickers } from './agent-pickers.tsx';
import { IconButton } from './button.tsx';
import { Chips } from './chips.tsx';
import { canSend, withReturned } from './draft.ts';
import { type MentionAtCaret, mentionAt, withoutMention } from './mention.ts';
import { MentionList } from './mention-list.tsx';
import { ContextMeter } from './meter.tsx';
import { usePage } from './page.ts';
import { Pickers } from './pickers.tsx';

/** The input: text, what is attached, the pickers, send and stop. */
export function Composer() {
  const { state, send, savedDraft, saveDraft } = usePage();
  const input = useRef<HTMLTextAreaElement>(null);
  const [text, setText] = useState(savedDraft);
  const [mention, setMention] = useState<MentionAtCaret | null>(null);
  const [chosen, setChosen] = useState(0);
  const suggestions = state.suggestions.value;
  const requestId = useRef(suggestions.requestId);
  const options = mention && suggestions.requestId === requestId.current ? suggestions.items : [];
  const { kind } = state.phase.value;
  const isBusy = kind !== 'idle' && kind !== 'down';

  const change = (value: string, caret: number) => {
    setText(value);
    saveDraft(value);
    // For the meter, which is full before that.
    send({ type: 'draft', text: value.slice(0, MAX_MESSAGE_CHARS) });
    const found = mentionAt(value, caret);
    setMention(found);
    if (found && (found.query !== mention?.query || found.list !== mention.list)) {
      setChosen(0);
      const { list, query } = found;
      send({ type: 'suggest', requestId: ++requestId.current, list, query });
    }
  };
  const submit = () => {
    if (!canSend(text, state.toast)) return;
    send({ type: 'send', text });
    change('', 0);
  };
  const choose = (option: Suggestion) => {
    if (!mention) return;
    input.current?.focus();
    const { kind, label, path, line } = option;
    if (kind === 'command') {
      change('', 0);
      return send({ type: 'send', text: label });
    }
    // What follows its name is for the prompt or the skill.
    if (kind === 'prompt' || kind === 'skill') {
      return change(`${label} ${text.slice(mention.query.length + 1).trimStart()}`, label.length + 1);
    }
    const rest = withoutMention(text, mention);
    change(rest.text, rest.caret);
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
    change(`${text.slice(0, caret)}${gap}@${text.slice(caret)}`, caret + gap.length + 1);
    input.current?.focus();
  };
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.isComposing) return;
    if (options.length > 0 && onMentionKey(event, options, chosen, setChosen, choose, () => setMention(null)))
      return;
    if (event.key === 'Enter' && !event.shiftKey) {
      event.preventDefault();
      submit();
    }
    if (event.key === 'ArrowUp' && text === '') {
      const last = state.items.value.findLast(item => item.kind === 'user');
      if (!last) return;
      event.preventDefault();
      state.editing.value = last.id;
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
    if (options.length > 0) state.announcement.value = announcementOfList(options);
  }, [suggestions]);
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
        aria-activedescendant={options.length > 0 ? `mention-${chosen}` : undefined}
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

/** Keys of the open list; true when the key was for it. */
function onMentionKey(
  event: KeyboardEvent,
  options: readonly Suggestion[],
  chosen: number,
  setChosen: (index: number) => void,
  choose: (option: Suggestion) => void,
  close: () => void,
): boolean {
  const count = options.length;
  const keys: Record<string, () => void> = {
    ArrowDown: () => setChosen((chosen + 1) % count),
    ArrowUp: () => setChosen((chosen + count - 1) % count),
    Enter: () => choose(options[chosen]!),
    Tab: () => choose(options[chosen]!),
    Escape: close,
  };
  const act = Object.hasOwn(keys, event.key) ? keys[event.key] : undefined;
  if (!act) return false;
  event.preventDefault();
  act();
  return true;
}

/** Grows with its text; the style sheet caps it. */
function fitHeight(input: HTMLTextAreaElement | null): void {
  if (!input) return;
  input.style.height = 'auto';
  input.style.height = `${input.scrollHeight}px`;
}
