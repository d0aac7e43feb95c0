/** What every component of the page is given. */
import { createContext } from 'preact';
import { useContext } from 'preact/hooks';
import type { WebviewMessage } from '../protocol/webview.ts';
import type { Unsent } from './draft.ts';
import type { PageState } from './state.ts';

/** What VS Code gives a webview. */
export interface HostLink {
  postMessage(message: WebviewMessage): void;
  /** Kept while the page is hidden and over a reload of the window. */
  getState(): unknown;
  setState(state: unknown): void;
}

export interface Page {
  state: PageState;
  send(message: WebviewMessage): void;
  /** What is written and not sent, also before the page was hidden. */
  readonly unsent: Unsent;
  save(part: Partial<Unsent>): void;
}

export const PageContext = createContext<Page | null>(null);

export function usePage(): Page {
  const page = useContext(PageContext);
  if (!page) throw new Error('Used outside of the page.');
  return page;
}
