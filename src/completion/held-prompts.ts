/**
 * What the engine's two sequences for completions hold: whose prompt was read into which. A document that lost its sequence
 * to another has to be read anew, and its prompts are as small as any cold document's until it was.
 */
import { type PromptText, PromptWindow } from './prompt-window.ts';

export class HeldPrompts {
  /** By document; at most two, as each has a sequence of its own. */
  private readonly windows = new Map<string, PromptWindow>();
  private readonly holders = new Map<PromptText['buffer'], string>();
  /** The one that was asked for last. */
  private current: PromptWindow | null = null;

  /** The document's window; a new one, which spares the sequence that another document uses now, where nothing is held. */
  window(uri: string): PromptWindow {
    const window = this.windows.get(uri) ?? new PromptWindow(this.current?.buffer === 'a' ? 'b' : 'a');
    this.windows.set(uri, window);
    this.current = window;
    return window;
  }

  /** The engine is told to read a prompt of the document: what else its sequence held is gone. */
  take(uri: string, buffer: PromptText['buffer']): void {
    const holder = this.holders.get(buffer);
    this.holders.set(buffer, uri);
    if (holder !== undefined && holder !== uri && this.windows.get(holder)?.buffer === buffer)
      this.windows.delete(holder);
  }

  /** The engine holds nothing any more. */
  clear(): void {
    this.windows.clear();
    this.holders.clear();
  }
}
