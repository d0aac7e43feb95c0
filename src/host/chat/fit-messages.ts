/** Which messages of a conversation are sent, so that they and the answer fit into the model's window. */
import { attachmentBlock, firstKept, promptMessages } from '../../agent/chat-prompt.ts';
import type { Attachment, Transcript } from '../../agent/transcript.ts';
import type { Backend } from '../../backends/backend.ts';
import { MoebiusError } from '../../base/errors.ts';
import type { ChatMessage } from '../../protocol/daemon.ts';

/** The share of the window that is kept free for the answer, at most. */
const ANSWER_SHARE = 0.25;

export interface FittingMessages {
  messages: ChatMessage[];
  /** Tokens of each, and of all. */
  counts: number[];
  promptTokens: number;
  /** The entry from which on messages are sent because older ones no longer fit; null: nothing had to go. */
  keptFrom: string | null;
}

/** @throws MoebiusError `context-full` when the question of `askId` alone is too long */
export async function fitMessages(
  backend: Backend,
  transcript: Transcript,
  askId: string,
  { windowTokens, answerTokens }: { windowTokens: number; answerTokens: number },
  signal: AbortSignal,
): Promise<FittingMessages> {
  const prompt = promptMessages(transcript, askId, transcript.sentFrom);
  const messages = prompt.map(part => part.message);
  const { perMessage } = await backend.count({ messages }, { signal });
  if (perMessage?.length !== messages.length) {
    throw new MoebiusError('internal', 'The model did not count the tokens of every message.');
  }
  const room = windowTokens - Math.min(answerTokens, Math.floor(windowTokens * ANSWER_SHARE));
  const kept = firstKept(perMessage, index => prompt[index]?.entry?.kind === 'ask', room);
  const pick = <T>(list: T[]): T[] => [list[0]!, ...list.slice(kept)];
  const counts = pick(perMessage);
  return {
    messages: pick(messages),
    counts,
    promptTokens: counts.reduce((sum, count) => sum + count, 0),
    keptFrom: kept > 1 ? prompt[kept]!.entry!.id : null,
  };
}

/** The tokens of each attachment; those that were not counted when they were attached are counted now. */
export function attachmentTokens(backend: Backend, attachments: readonly Attachment[]): Promise<number[]> {
  return Promise.all(
    attachments.map(
      async attachment =>
        attachment.tokens ?? (await backend.count({ text: attachmentBlock(attachment) })).tokens,
    ),
  );
}
