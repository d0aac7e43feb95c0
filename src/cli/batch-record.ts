/** One line of `moebius batch`, in and out. */
import { z } from 'zod';
import { MoebiusError } from '../base/errors.ts';
import { type ChatMessage, EXPERT_LEVELS, type ExpertLevel, LIMITS } from '../protocol/daemon.ts';

const text = z.string().max(LIMITS.promptChars);
const common = {
  id: z.union([z.string(), z.number()]).optional(),
  maxTokens: z.int().min(1).max(LIMITS.maxTokens).optional(),
  temperature: z.number().min(0).max(10).optional(),
  seed: z.int().optional(),
  stop: z.array(z.string().min(1).max(LIMITS.stopChars)).max(LIMITS.stopStrings).optional(),
  experts: z.enum(EXPERT_LEVELS).optional(),
};
const message = z.strictObject({ role: z.enum(['system', 'user', 'assistant', 'tool']), content: text });

const schema = z.discriminatedUnion('kind', [
  z.strictObject({ ...common, kind: z.literal('generate'), prompt: text }),
  z.strictObject({
    ...common,
    kind: z.literal('infill'),
    prefix: text,
    suffix: text,
    middle: text.optional(),
  }),
  z.strictObject({
    ...common,
    kind: z.literal('chat'),
    messages: z.array(message).min(1).max(LIMITS.messages),
  }),
]);

interface RecordSettings {
  id?: string | number;
  maxTokens?: number;
  temperature?: number;
  seed?: number;
  stop?: string[];
  experts?: ExpertLevel;
}
export type BatchRecord =
  | (RecordSettings & { kind: 'generate'; prompt: string })
  | (RecordSettings & { kind: 'infill'; prefix: string; suffix: string; middle?: string })
  | (RecordSettings & { kind: 'chat'; messages: ChatMessage[] });

export type BatchId = string | number | null;
export interface BatchAnswer {
  id: BatchId;
  text: string;
  finish: string;
  promptTokens: number;
  reusedTokens: number;
  outputTokens: number;
  prefillMs: number;
  decodeMs: number;
}
export interface BatchFailure {
  id: BatchId;
  /** Line of the input, from 1. */
  line: number;
  error: { code: string; message: string };
}

/** Throws `bad-request` that names the field; `idOf` still finds the id of such a line. */
export function parseRecord(line: string): BatchRecord {
  const parsed = schema.safeParse(parseJson(line));
  if (parsed.success) return parsed.data as BatchRecord; // JSON has no undefined: absent keys stay absent
  const issue = parsed.error.issues[0];
  const where = issue?.path.length ? `\`${issue.path.join('.')}\`: ` : '';
  throw new MoebiusError('bad-request', `${where}${issue?.message ?? 'not a batch record'}`);
}

function parseJson(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch (error) {
    throw new MoebiusError('bad-request', `not JSON: ${(error as Error).message}`, { cause: error });
  }
}

/** The id of a line that may be anything; null where there is none. */
export function idOf(line: string): BatchId {
  try {
    const id: unknown = JSON.parse(line)?.id;
    return typeof id === 'string' || typeof id === 'number' ? id : null;
  } catch {
    return null;
  }
}
