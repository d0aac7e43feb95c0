import { effect } from '@preact/signals';
import { render } from 'preact';
import type { HostMessage } from '../protocol/webview.ts';
import { App } from './app.tsx';
import { unsentOf } from './draft.ts';
import { watchFocus } from './lost-focus.ts';
import { type HostLink, type Page, PageContext } from './page.ts';
import { applyMessage, createState } from './state.ts';

export function mountPage(host: HostLink, root: HTMLElement): void {
  const state = createState();
  let unsent = unsentOf(host.getState());
  const page: Page = {
    state,
    send: message => host.postMessage(message),
    get unsent() {
      return unsent;
    },
    save(part) {
      unsent = { ...unsent, ...part };
      host.setState(unsent);
    },
  };
  // Until `open` says whether that message is still there.
  state.editing.value = unsent.edit?.id ?? null;
  state.editedText.value = unsent.edit?.text ?? null;
  effect(() => {
    const [id, text] = [state.editing.value, state.editedText.value];
    page.save({ edit: id !== null && text !== null ? { id, text } : null });
  });
  // Only VS Code's own page above this one can post here, and it passes on what the host sends.
  window.addEventListener('message', event => applyMessage(state, event.data as HostMessage));
  render(
    <PageContext.Provider value={page}>
      <App />
    </PageContext.Provider>,
    root,
  );
  watchFocus(root, () => {
    state.focusRequests.value++;
  });
  page.send({ type: 'ready' });
}
