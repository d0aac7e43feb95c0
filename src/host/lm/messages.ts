/** VS Code's chat messages as the engine's. Pure: works on the shape, so that it needs no editor to be tested. */
import type { ChatMessage } from '../../protocol/daemon.ts';

export interface LanguageModelMessage {
  /** 1 user, 2 assistant, 3 system. */
  role: number;
  content: readonly unknown[];
}

/** Text parts are joined, tool results become text, everything else (images, tool calls) is left out. */
export function toChatMessages(messages: readonly LanguageModelMessage[]): ChatMessage[] {
  const converted = messages.map(
    ({ role, content }): ChatMessage => ({
      role: role === 2 ? 'assistant' : role === 3 ? 'system' : 'user',
      content: textOf(content),
    }),
  );
  return converted.filter(({ content }) => content.trim() !== '');
}

function textOf(parts: readonly unknown[]): string {
  return parts
    .map(part => {
      if (typeof part !== 'object' || part === null) return '';
      if ('value' in part && typeof part.value === 'string') return part.value;
      return 'callId' in part && 'content' in part && Array.isArray(part.content) ? textOf(part.content) : '';
    })
    .filter(text => text !== '')
    .join('\n');
}
