import { useRef, useState } from 'preact/hooks';
import type { QuestionPart } from '../protocol/agent-view.ts';
import { Icon } from './button.tsx';
import { useCardFocus } from './card-focus.ts';
import { usePage } from './page.ts';

/** A question of the model: what it offers as buttons, and a line for any other answer. */
export function Question({ part }: { part: QuestionPart }) {
  return part.isOpen ? (
    <OpenQuestion part={part} />
  ) : (
    <section class="question closed" aria-label="Question" data-testid="question">
      <QuestionText text={part.question} />
      <p class="quiet">{part.answer ?? 'Not answered'}</p>
    </section>
  );
}

function OpenQuestion({ part }: { part: QuestionPart }) {
  const { send, unsent, save } = usePage();
  const card = useRef<HTMLElement>(null);
  const input = useRef<HTMLInputElement>(null);
  useCardFocus(card);
  const [begun] = useState(unsent.reply?.id === part.id ? unsent.reply.text : '');
  const reply = (answer: string | null) => {
    save({ reply: null });
    send({ type: 'reply', id: part.id, answer });
  };
  const replyTyped = () => {
    const typed = input.current?.value.trim();
    if (typed) reply(typed);
  };
  return (
    <section
      ref={card}
      class="question"
      tabIndex={-1}
      aria-label={`Moebius asks: ${part.question}`}
      data-testid="question"
    >
      <QuestionText text={part.question} />
      {part.options.length > 0 && (
        <div class="question-options">
          {part.options.map(option => (
            <button
              key={option}
              type="button"
              class="secondary"
              data-testid="question-option"
              onClick={() => reply(option)}
            >
              {option}
            </button>
          ))}
        </div>
      )}
      <div class="approval-bar">
        <input
          ref={input}
          class="reason"
          placeholder="Your answer"
          aria-label="Your answer"
          maxLength={4000}
          defaultValue={begun}
          data-testid="question-answer"
          onInput={event => save({ reply: { id: part.id, text: event.currentTarget.value } })}
          onKeyDown={event => {
            if (event.key !== 'Enter' || event.isComposing) return;
            event.preventDefault();
            replyTyped();
          }}
        />
        <button type="button" class="primary" data-testid="question-send" onClick={replyTyped}>
          Answer
        </button>
        <button type="button" class="secondary" onClick={() => reply(null)}>
          Skip
        </button>
      </div>
    </section>
  );
}

const QuestionText = ({ text }: { text: string }) => (
  <p class="question-text">
    <Icon name="question" /> <span>{text}</span>
  </p>
);
