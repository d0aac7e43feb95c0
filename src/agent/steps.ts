/** The steps of an answer that the agent gives: its events, with what is streamed in pieces put together. */
import type { ChatMessage } from '../protocol/daemon.ts';
import type { AgentEvent } from './ports.ts';

/** Of the live output of one command, the end is kept: its result tells what the model was given. */
export const OUTPUT_CHARS = 64 * 1024;

/** Adds an event to the steps, in place. */
export function addStep(steps: AgentEvent[], event: AgentEvent): void {
  const last = steps.at(-1);
  if (event.type === 'text' && last?.type === 'text') last.text += event.text;
  else if (event.type === 'output' && last?.type === 'output' && last.callId === event.callId)
    last.text = (last.text + event.text).slice(-OUTPUT_CHARS);
  else steps.push({ ...event });
}

/** A conversation after what one `history` event says, from the one before. */
export function withHistory(
  messages: readonly ChatMessage[],
  { kept, messages: added }: Extract<AgentEvent, { type: 'history' }>,
): ChatMessage[] {
  return [...messages.slice(0, kept), ...added];
}

/** How a conversation became another one, to be stored. */
export function historyEvent(
  before: readonly ChatMessage[],
  after: readonly ChatMessage[],
): Extract<AgentEvent, { type: 'history' }> {
  const isSame = (message: ChatMessage, index: number) =>
    message.role === after[index]?.role && message.content === after[index].content;
  const changed = before.findIndex((message, index) => !isSame(message, index));
  const kept = changed < 0 ? before.length : changed;
  return { type: 'history', kept, messages: after.slice(kept) };
}

/** Calls that began and have no result: the process ended, or was ended, while they were carried out. */
export function unfinishedCalls(steps: readonly AgentEvent[]): Extract<AgentEvent, { type: 'call' }>[] {
  const finished = new Set(steps.flatMap(step => (step.type === 'result' ? [step.callId] : [])));
  return steps.filter(
    (step): step is Extract<AgentEvent, { type: 'call' }> =>
      step.type === 'call' && !finished.has(step.callId),
  );
}
