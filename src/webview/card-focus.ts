/** Where the keyboard goes when a card waits for the user, and where it goes back to afterwards. */
import { useEffect, useLayoutEffect } from 'preact/hooks';
import { usePage } from './page.ts';

/**
 * Brings the card into view, and the focus to it unless the user writes here or works elsewhere. When the card goes while the focus is
 * in it, the input takes it: it must not be lost to the page.
 */
export function useCardFocus(card: { current: HTMLElement | null }): void {
  const { state } = usePage();
  useEffect(() => {
    bringIntoView(card.current);
    if (document.hasFocus() && !isWriting(document.activeElement))
      card.current?.focus({ preventScroll: true });
  }, [card]);
  useLayoutEffect(() => {
    const element = card.current;
    // Called before the element is removed, so it still has what it had.
    return () => {
      if (element?.contains(document.activeElement)) state.focusRequests.value++;
    };
  }, [card, state]);
}

const isWriting = (active: Element | null): boolean =>
  (active instanceof HTMLTextAreaElement || active instanceof HTMLInputElement) && active.value !== '';

/** Only the conversation scrolls: `scrollIntoView` would also move the page around this one. */
function bringIntoView(element: HTMLElement | null): void {
  const list = element?.closest('.messages');
  if (!element || !list) return;
  const below = element.getBoundingClientRect().bottom - list.getBoundingClientRect().bottom;
  if (below > 0) list.scrollTop += below;
}
