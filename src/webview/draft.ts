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
