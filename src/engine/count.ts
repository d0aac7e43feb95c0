import { MoebiusError } from '../base/errors.ts';
import type { CountParams, CountResult } from '../protocol/daemon.ts';
import type { EngineCore } from './core.ts';
import { chatTemplate } from './generate.ts';

/**
 * Tokens of a text, or of a conversation as it would be sent. `perMessage` adds up to `tokens`: each message's own text
 * plus an equal share of what the template adds (the first message takes the rest, as it brings the template's opening and the tools).
 */
export function countTokens(core: EngineCore, { text, messages, tools }: CountParams): CountResult {
  if ((text === undefined) === (messages === undefined)) {
    throw new MoebiusError('bad-request', 'Give either a text or messages.');
  }
  if (!messages) return { tokens: core.tokenizer.encodePlain(text!).length };
  const tokens = core.tokenizer.encodePieces(
    chatTemplate(core).render(messages, { tools: tools ?? [] }),
  ).length;
  const perMessage = messages.map(message => core.tokenizer.encodePlain(message.content).length);
  const added = tokens - perMessage.reduce((sum, count) => sum + count, 0);
  const share = Math.floor(added / messages.length);
  for (let i = 0; i < perMessage.length; i++) perMessage[i]! += share;
  if (perMessage.length > 0) perMessage[0]! += added - share * messages.length;
  return { tokens, perMessage };
}
