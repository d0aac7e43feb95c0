import { render } from 'preact';
import type { HostMessage } from '../protocol/webview.ts';
import { App } from './app.tsx';
import { type HostLink, type Page, PageContext } from './page.ts';
import { applyMessage, createState } from './state.ts';

export function mountPage(host: HostLink, root: HTMLElement): void {
  const state = createState();
  const page: Page = {
    state,
    send: message => host.postMessage(message),
    savedDraft: () => {
      const saved = host.getState() as { draft?: unknown } | undefined;
      return typeof saved?.draft === 'string' ? saved.draft : '';
    },
    saveDraft: draft => host.setState({ draft }),
  };
  // Only VS Code's own page above this one can post here, and it passes on what the host sends.
  window.addEventListener('message', event => applyMessage(state, event.data as HostMessage));
  render(
    <PageContext.Provider value={page}>
      <App />
    </PageContext.Provider>,
    root,
  );
  page.send({ type: 'ready' });
}
