/** What is written and not sent yet. Pure. */
import type { Signal } from '@preact/signals';
import { MAX_MESSAGE_CHARS } from '../protocol/message-length.ts';
import { formatCount } from './format.ts';

/** Whether this can be sent. Of what is too long the user is told, and keeps it; that nothing is written they see. */
export function canSend(text: string, toast: Signal<string>): boolean {
  if (text.length <= MAX_MESSAGE_CHARS) return text.trim() !== '';
  const [length, most] = [text.length, MAX_MESSAGE_CHARS].map(formatCount);
  toast.value = `This message has ${length} characters, and at most ${most} can be sent. Save what is long as a file, and attach that with @.`;
  return false;
}

/** What comes into the input goes before what is being written there. */
export const withReturned = (returned: string, text: string): string =>
  text.trim() === '' ? returned : `${returned}\n\n${text}`;

/** Of a message, a question or a request. */
interface Written {
  id: string;
  text: string;
}

/** What is kept while the page is hidden. */
export interface Unsent {
  draft: string;
  /** What a message is to become. */
  edit: Written | null;
  /** To what the agent asks: an answer, or why something is denied. */
  reply: Written | null;
}

/** From what VS Code kept, which may be of another version. */
export function unsentOf(saved: unknown): Unsent {
  const { draft, edit, reply } = (saved ?? {}) as Partial<Record<keyof Unsent, unknown>>;
  return { draft: typeof draft === 'string' ? draft : '', edit: writtenOf(edit), reply: writtenOf(reply) };
}

function writtenOf(saved: unknown): Written | null {
  const { id, text } = (saved ?? {}) as Partial<Record<keyof Written, unknown>>;
  return typeof id === 'string' && typeof text === 'string' ? { id, text } : null;
}
