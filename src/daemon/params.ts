/** Params of every method, checked where they enter the daemon. Unknown keys are dropped, so that old daemons serve new clients. */
import * as z from 'zod/mini';
import { MoebiusError } from '../base/errors.ts';
import type {
  CompleteParams,
  CountParams,
  GenerateParams,
  InitializeParams,
  ModelLoadParams,
} from '../protocol/daemon.ts';
import { EXPERT_LEVELS, LIMITS } from '../protocol/daemon.ts';

const optional = z.exactOptional;
const integer = (min: number, max: number) => z.int().check(z.gte(min), z.lte(max));
const number = (min: number, max: number) => z.number().check(z.gte(min), z.lte(max));
const name = z.string().check(z.minLength(1), z.maxLength(200));
const text = z.string().check(z.maxLength(LIMITS.promptChars));
const level = z.enum(EXPERT_LEVELS as ['exact', 'balanced', 'fast', 'frugal']);
const durationMs = number(0, 600_000);

const message = z.object({ role: z.enum(['system', 'user', 'assistant', 'tool']), content: text });
const messages = z.array(message).check(z.minLength(1), z.maxLength(LIMITS.messages));
const sampling = {
  maxTokens: optional(integer(1, LIMITS.maxTokens)),
  temperature: optional(number(0, 10)),
  topK: optional(integer(0, 1_000_000)),
  topP: optional(number(0, 1)),
  minP: optional(number(0, 1)),
  seed: optional(integer(0, Number.MAX_SAFE_INTEGER)),
  stop: optional(
    z
      .array(z.string().check(z.minLength(1), z.maxLength(LIMITS.stopChars)))
      .check(z.maxLength(LIMITS.stopStrings)),
  ),
};

const jsonObject = z.record(z.string(), z.unknown());
const tool = z.object({
  name: z.string().check(z.regex(/^[\w.-]{1,64}$/, 'letters, digits, "_", "-" and ".", at most 64')),
  description: optional(text),
  parameters: jsonObject,
});
const tools = z.array(tool).check(z.minLength(1), z.maxLength(LIMITS.tools));
const grammar = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('json-schema'), schema: jsonObject }),
  z.object({ kind: z.literal('ebnf'), text: z.string().check(z.maxLength(LIMITS.grammarChars)) }),
  z.object({
    kind: z.literal('tools'),
    tools,
    choice: optional(z.enum(['auto', 'required'])),
  }),
]);

const exactlyOne =
  <A extends string, B extends string>(a: A, b: B) =>
  (value: { [K in A | B]?: unknown }) =>
    (value[a] === undefined) !== (value[b] === undefined);

const SCHEMAS = {
  initialize: z.object({
    protocolVersion: z.int(),
    clientName: name,
    parentPid: optional(integer(1, 2 ** 32)),
  }) satisfies z.ZodMiniType<InitializeParams>,
  'model/load': z.object({
    model: name,
    variant: optional(z.enum(['int4', 'int8', 'fp32'])),
    contextTokens: optional(integer(256, 1_048_576)),
    threads: optional(integer(1, 256)),
  }) satisfies z.ZodMiniType<ModelLoadParams>,
  generate: z
    .object({
      ...sampling,
      requestId: name,
      prompt: optional(text),
      messages: optional(messages),
      answerPrefix: optional(text),
      level: optional(level),
      sequence: optional(name),
      priority: optional(z.enum(['chat', 'background'])),
      drafts: optional(z.boolean()),
      grammar: optional(grammar),
      thinking: optional(z.boolean()),
    })
    .check(
      z.refine(exactlyOne('prompt', 'messages'), 'give either prompt or messages'),
      z.refine(
        value => charsOf(value) <= LIMITS.promptChars,
        `at most ${LIMITS.promptChars} characters in all`,
      ),
    ) satisfies z.ZodMiniType<GenerateParams>,
  complete: z
    .object({
      ...sampling,
      maxTokens: optional(integer(0, LIMITS.maxTokens)),
      requestId: name,
      prefix: text,
      suffix: text,
      middle: optional(text),
      files: optional(z.array(z.object({ path: z.string(), text })).check(z.maxLength(LIMITS.messages))),
      path: optional(z.string()),
      level: optional(level),
      decodeBudgetMs: optional(durationMs),
      prefillBudgetMs: optional(durationMs),
      singleLine: optional(z.boolean()),
      ahead: optional(z.boolean()),
      sequence: optional(name),
    })
    .check(
      z.refine(
        value => charsOf(value) <= LIMITS.promptChars,
        `at most ${LIMITS.promptChars} characters in all`,
      ),
    ) satisfies z.ZodMiniType<CompleteParams>,
  'tokens/count': z
    .object({ text: optional(text), messages: optional(messages), tools: optional(tools) })
    .check(
      z.refine(exactlyOne('text', 'messages'), 'give either text or messages'),
    ) satisfies z.ZodMiniType<CountParams>,
};

/** Characters of everything that will be read by the model. */
function charsOf(params: {
  prompt?: string;
  prefix?: string;
  suffix?: string;
  middle?: string;
  messages?: { content: string }[];
  files?: { text: string }[];
}): number {
  const { prompt = '', prefix = '', suffix = '', middle = '', messages = [], files = [] } = params;
  const parts = [
    prompt,
    prefix,
    suffix,
    middle,
    ...messages.map(part => part.content),
    ...files.map(part => part.text),
  ];
  return parts.reduce((sum, part) => sum + part.length, 0);
}

/** Throws `bad-request` that names the field and what is wrong with it. */
export function parseParams<M extends keyof typeof SCHEMAS>(
  method: M,
  params: unknown,
): z.infer<(typeof SCHEMAS)[M]> {
  const result = z.safeParse(SCHEMAS[method], params);
  if (result.success) return result.data as z.infer<(typeof SCHEMAS)[M]>;
  const issue = result.error.issues[0];
  const field = issue?.path.length ? `.${issue.path.join('.')}` : '';
  throw new MoebiusError('bad-request', `${method}: params${field}: ${issue?.message ?? 'not valid'}`);
}
