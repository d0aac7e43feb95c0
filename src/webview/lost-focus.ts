/** The keyboard must not be lost to the page, where keys reach nobody. */

/** After a drawing, something may take the focus by itself, e.g. a text field that opens. */
const SETTLE_MS = 100;

/** `lost`: what had the focus is gone, and nothing else has taken it. What the user left before does not count. */
export function watchFocus(root: HTMLElement, lost: () => void): void {
  let focused: Element | null = null;
  root.addEventListener('focusin', event => {
    focused = event.target as Element;
  });
  root.addEventListener('focusout', ({ target }) => {
    // Some browsers tell of an element that goes while it is still there.
    queueMicrotask(() => {
      if (focused === target && focused?.isConnected) focused = null;
    });
  });
  new MutationObserver(() => {
    if (!focused || focused.isConnected) return;
    focused = null;
    setTimeout(() => {
      if (document.hasFocus() && document.activeElement === document.body) lost();
    }, SETTLE_MS);
  }).observe(root, { childList: true, subtree: true });
}
