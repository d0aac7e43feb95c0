/**
 * The shape of an agent event, for those that come from a file. The file is our own storage, but it may be torn or edited, and the
 * page renders what is in it.
 */
import * as z from 'zod/mini';
import type { AgentEvent } from './ports.ts';

const text = z.string();
const call = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('call'), name: text, arguments: z.record(text, z.unknown()) }),
  z.object({ kind: z.literal('broken'), text, error: text }),
]);
const request = z.object({
  callId: text,
  capability: z.enum(['edit', 'edit-protected', 'command', 'mcp']),
  title: text,
  detail: text,
  warning: z.nullable(text),
  fingerprint: text,
  remember: z.nullable(text),
});
const decision = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('once') }),
  z.object({ kind: z.literal('always') }),
  z.object({ kind: z.literal('deny'), reason: z.nullable(text) }),
]);
const change = z.object({
  path: text,
  kind: z.enum(['edit', 'create', 'delete']),
  addedLines: z.number(),
  removedLines: z.number(),
});
const message = z.object({ role: z.enum(['system', 'user', 'assistant', 'tool']), content: text });

const agentEvent = z.discriminatedUnion('type', [
  z.object({ type: z.literal('turn'), turn: z.number() }),
  z.object({ type: z.literal('text'), text }),
  z.object({ type: z.literal('call'), callId: text, call, title: text }),
  z.object({ type: z.literal('approval'), request }),
  z.object({ type: z.literal('decision'), callId: text, decision }),
  z.object({ type: z.literal('output'), callId: text, text }),
  z.object({
    type: z.literal('result'),
    callId: text,
    ok: z.boolean(),
    text,
    summary: text,
    changes: z.array(change),
  }),
  z.object({
    type: z.literal('todo'),
    items: z.array(z.object({ text, state: z.enum(['open', 'doing', 'done']) })),
  }),
  z.object({ type: z.literal('question'), callId: text, question: text, options: z.array(text) }),
  z.object({ type: z.literal('notice'), text }),
  z.object({
    type: z.literal('history'),
    kept: z.int().check(z.gte(0)),
    messages: z.array(message),
  }),
  z.object({
    type: z.literal('end'),
    reason: z.enum(['done', 'answered', 'unfinished', 'stopped', 'limit', 'repetition', 'empty', 'error']),
    text,
  }),
]) satisfies z.ZodMiniType<AgentEvent>;

export const isAgentEvent = (value: unknown): value is AgentEvent => agentEvent.safeParse(value).success;
