/** A model that plays a script: it writes as Qwen does, and its calls are read by the engine's own reader. */
import { ScriptedBackend } from '../../src/backends/scripted.ts';
import { MoebiusError } from '../../src/base/errors.ts';
import { CallReader } from '../../src/engine/tools/call-reader.ts';
import { hermes } from '../../src/engine/tools/hermes.ts';
import type {
  ChatMessage,
  CompleteParams,
  FinishReason,
  GenerateEvent,
  ToolCall,
  ToolDefinition,
} from '../../src/protocol/daemon.ts';

/** One answer: what is written, and how it ends if the model does not end it. */
export type ModelAnswer = string | { text: string; finish: FinishReason };
/** The answer to a prompt; `turn` from 0. `tools`: those that it is offered. */
export type Model = (
  messages: ChatMessage[],
  turn: number,
  tools: readonly ToolDefinition[],
) => ModelAnswer | Promise<ModelAnswer>;
/** What is written into a gap. */
export type Filler = (gap: Omit<CompleteParams, 'requestId'>) => string;

const NO_FILLER: Filler = () => {
  throw new MoebiusError('unsupported', 'This model fills no gaps.');
};

/** A list plays one answer a turn. */
export function scriptedModel(model: Model | ModelAnswer[], fill: Filler = NO_FILLER): ScriptedBackend {
  let turn = 0;
  const answerTo = Array.isArray(model) ? (_: unknown, at: number) => next(model, at) : model;
  return new ScriptedBackend(async request => {
    if (request.kind === 'complete') return fill(request.params);
    const { messages = [], grammar } = request.params;
    const answer = await answerTo(messages, turn++, grammar?.kind === 'tools' ? grammar.tools : []);
    const { text, finish } = typeof answer === 'string' ? { text: answer, finish: 'stop' as const } : answer;
    if (grammar?.kind !== 'tools') return { text, finish };
    const reader = new CallReader(hermes, grammar.tools);
    const parts = [...reader.push(text), ...reader.end(finish !== 'stop')];
    const calls = parts.filter((part): part is ToolCall => part.kind !== 'text');
    const events = parts.map(
      (part): GenerateEvent =>
        part.kind === 'text' ? { type: 'text', text: part.text } : { type: 'call', call: part },
    );
    return { text, finish, calls, events };
  });
}

function next(answers: ModelAnswer[], turn: number): ModelAnswer {
  const answer = answers[turn];
  if (answer === undefined) throw new Error(`The script has no answer for turn ${turn}.`);
  return answer;
}

/** A call as Qwen writes it. */
export const call = (name: string, args: Record<string, unknown> = {}): string =>
  `<tool_call>\n${JSON.stringify({ name, arguments: args })}\n</tool_call>`;
export const done = (summary = 'Done.'): string => call('task_done', { summary });

/** What the model was sent, request by request. */
export const promptsOf = (backend: ScriptedBackend): ChatMessage[][] =>
  backend.requests.flatMap(request => (request.kind === 'generate' ? [request.params.messages ?? []] : []));
