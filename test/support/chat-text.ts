/** A chat template rendered plainly, as a second opinion on the engine's own rendering. Trusted input only. */
import { Template } from '@huggingface/jinja';
import type { ChatMessage } from '../../src/protocol/daemon.ts';

export const renderChat = (template: string, messages: readonly ChatMessage[]): string =>
  new Template(template).render({
    messages: messages.map(message => ({ ...message })),
    add_generation_prompt: true,
  });
