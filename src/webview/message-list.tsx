import { useEffect, useLayoutEffect, useRef, useState } from 'preact/hooks';
import { Answer } from './answer.tsx';
import { Icon, IconButton } from './button.tsx';
import { usePage } from './page.ts';
import { UserMessage } from './user-message.tsx';

/** Closer to the end than this, the list follows what is written. In CSS pixels. */
const FOLLOW_PX = 40;

export function MessageList() {
  const { state, send } = usePage();
  const scroller = useRef<HTMLDivElement>(null);
  const [isFollowing, setFollowing] = useState(true);
  const items = state.items.value;
  const scrollToEnd = () => {
    scroller.current?.scrollTo({ top: scroller.current.scrollHeight });
    setFollowing(true);
  };
  useFollow(scroller, isFollowing);
  const newest = items.findLastIndex(item => item.kind !== 'user' || item.row.value.state === 'sent');
  // A message of one's own is always brought into view.
  const lastUserId = items.findLast(item => item.kind === 'user')?.id;
  useLayoutEffect(scrollToEnd, [lastUserId]);

  return (
    // biome-ignore lint/a11y/useKeyWithClickEvents: the clicks are those of buttons inside, which keys click too
    <div
      ref={scroller}
      class="messages"
      role="log"
      aria-live="off"
      aria-label="Conversation"
      data-testid="messages"
      onScroll={event => {
        const { scrollHeight, scrollTop, clientHeight } = event.currentTarget;
        setFollowing(scrollHeight - scrollTop - clientHeight < FOLLOW_PX);
      }}
      onClick={event => onClickInMessage(event, send)}
    >
      <div>
        {items.map((item, index) => {
          const isLast = index === items.length - 1;
          if (item.kind === 'user') return <UserMessage key={item.id} item={item} />;
          if (item.kind === 'answer')
            return <Answer key={item.id} item={item} isLast={isLast} isNewest={index === newest} />;
          return (
            <p key={item.id} class="notice quiet" role="note" data-testid="notice">
              <Icon name="fold-up" /> {item.row.value.text}
            </p>
          );
        })}
      </div>
      {!isFollowing && (
        <IconButton icon="arrow-down" label="Scroll to the End" class="to-end" onClick={scrollToEnd} />
      )}
    </div>
  );
}

/** Keeps the end in view while the list grows or its room shrinks, unless the reader has scrolled up. */
function useFollow(scroller: { current: HTMLElement | null }, isFollowing: boolean): void {
  useEffect(() => {
    const list = scroller.current;
    if (!list || !isFollowing) return;
    const observer = new ResizeObserver(() => list.scrollTo({ top: list.scrollHeight }));
    for (const element of [list, ...list.children]) observer.observe(element);
    return () => observer.disconnect();
  }, [scroller, isFollowing]);
}

type Send = ReturnType<typeof usePage>['send'];

/** Buttons inside rendered Markdown have no handlers of their own: their attributes say what they do. */
function onClickInMessage(event: MouseEvent, send: Send): void {
  const button = (event.target as Element).closest<HTMLElement>('[data-action], [data-href]');
  if (!button) return;
  const { action, href } = button.dataset;
  if (href !== undefined) send({ type: 'openLink', href });
  const block = button.closest<HTMLElement>('.code');
  const text = block?.querySelector('code')?.textContent ?? '';
  if (action === 'copy') {
    send({ type: 'copy', text });
    confirmCopy(button);
  }
  if (action === 'insert') send({ type: 'insert', text });
  if (action === 'new-file') send({ type: 'newFile', text, language: block?.dataset.language ?? '' });
}

/** A tick for a moment, where the copy icon was. */
function confirmCopy(button: HTMLElement): void {
  const icon = button.querySelector('.codicon');
  icon?.classList.replace('codicon-copy', 'codicon-check');
  setTimeout(() => icon?.classList.replace('codicon-check', 'codicon-copy'), 1200);
}
