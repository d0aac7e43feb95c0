/** VS Code's chat messages as the engine's. Pure: works on the shape, so that it needs no editor to be tested. */
import type { ChatMessage } from '../../protocol/daemon.ts';

export interface LanguageModelMessage {
  /** 1 user, 2 assistant, 3 system. */
  role: number;
  content: readonly unknown[];
}

/** Text parts are joined, tool calls and their results become text, everything else (images) is left out. */
export function toChatMessages(messages: readonly LanguageModelMessage[]): ChatMessage[] {
  const converted = messages.map(
    ({ role, content }): ChatMessage => ({
      role: role === 2 ? 'assistant' : role === 3 ? 'system' : 'user',
      content: textOf(content),
    }),
  );
  return converted.filter(({ content }) => content.trim() !== '');
}

/** `text` at the end of the system message, which is made if there is none. */
export function withSystemText(messages: readonly ChatMessage[], text: string): ChatMessage[] {
  if (text === '') return [...messages];
  const [first, ...rest] = messages;
  if (first?.role !== 'system') return [{ role: 'system', content: text }, ...messages];
  return [{ role: 'system', content: `${first.content}\n\n${text}` }, ...rest];
}

function textOf(parts: readonly unknown[]): string {
  return parts
    .map(partText)
    .filter(text => text !== '')
    .join('\n');
}

function partText(part: unknown): string {
  if (typeof part !== 'object' || part === null) return '';
  if ('value' in part && typeof part.value === 'string') return part.value;
  if (!('callId' in part)) return '';
  if ('content' in part && Array.isArray(part.content)) return `Result of the tool:\n${textOf(part.content)}`;
  if (!('name' in part && 'input' in part)) return '';
  return `\`\`\`tool\n${JSON.stringify({ name: part.name, arguments: part.input })}\n\`\`\``;
}
