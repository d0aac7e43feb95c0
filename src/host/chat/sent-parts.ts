/** The "what was sent" view of an answer: every part of its prompt with its tokens. Pure. */
import { attachmentBlock, promptMessages } from '../../agent/chat-prompt.ts';
import { type Ask, findAnswer, type Transcript, wordsOf } from '../../agent/transcript.ts';
import type { SentPart } from '../../protocol/webview.ts';

/** The tokens add up to the prompt's: a message's template tokens count to its text. Empty if nothing was sent. */
export function sentParts(transcript: Transcript, answerId: string): SentPart[] {
  const answer = findAnswer(transcript, answerId);
  if (!answer || answer.promptCounts.length === 0) return [];
  const prompt = promptMessages(transcript, answer.askId, answer.sentFrom);
  return prompt.flatMap(({ entry, message }, index): SentPart[] => {
    const tokens = answer.promptCounts[index] ?? 0;
    if (!entry) return [{ label: 'System prompt', tokens, text: message.content }];
    if (entry.kind === 'answer') return [{ label: 'Earlier answer', tokens, text: message.content }];
    return questionParts(entry, tokens, entry.id === answer.askId ? 'Your message' : 'Earlier message');
  });
}

function questionParts(ask: Ask, tokens: number, label: string): SentPart[] {
  const attached = ask.attachments.map(attachment => ({
    label: attachment.label,
    tokens: attachment.tokens ?? 0,
    text: attachmentBlock(attachment),
  }));
  const rest = tokens - attached.reduce((sum, part) => sum + part.tokens, 0);
  return [...attached, { label, tokens: Math.max(0, rest), text: wordsOf(ask) }];
}
