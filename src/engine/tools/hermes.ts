/** Hermes' and Qwen's form: `<tool_call>` and a JSON object of name and arguments. */
import type { ToolCall, ToolDefinition } from '../../protocol/daemon.ts';
import type { ToolDialect } from './dialect.ts';
import { broken, checkedCall, cutOff, parsedOr, unread } from './read-call.ts';
import { objectTexts, readJsonObject, scan, unreadBehind } from './tolerant-json.ts';

const BEGIN = '<tool_call>';
const END = '</tool_call>';
const EXAMPLE = `${BEGIN}\n{"name": "the tool", "arguments": {"key": "value"}}\n${END}`;

export const hermes: ToolDialect = {
  name: 'hermes',
  markers: [BEGIN, END],
  begin: BEGIN,
  end: END,
  example: EXAMPLE,

  grammar: (tools, isRequired) => ({
    type: 'triggered_tags',
    triggers: [BEGIN],
    tags: tools.map(({ name, parameters }) => ({
      type: 'tag',
      begin: `${BEGIN}\n{"name": ${JSON.stringify(name)}, "arguments": `,
      content: { type: 'json_schema', json_schema: parameters },
      end: `}\n${END}`,
    })),
    at_least_one: isRequired,
    stop_after_first: isRequired,
  }),

  isBody: body => /^\s*(\[\s*)?\{/.test(body),
  isInValue: body => scan(objectTexts(body).at(-1)!).isInString,

  read: (body, tools, isWhole) =>
    objectTexts(body.trim()).flatMap(text => {
      const reading = readJsonObject(text, isWhole);
      if (reading.kind === 'cut') return [cutOff(text)];
      if (reading.kind === 'malformed')
        return [broken(text, `The call is no valid JSON. Write it as ${EXAMPLE}`)];
      const behind = unreadBehind(text);
      const call = callOf(reading.value, tools, text);
      return behind === null ? [call] : [call, unread(behind, EXAMPLE)];
    }),
};

/** Names that models use for the two fields when they forget the taught ones, and OpenAI's nesting of them. */
const NAME_KEYS = ['name', 'tool', 'tool_name', 'function'];
const ARGUMENT_KEYS = ['arguments', 'parameters', 'args', 'input'];

function callOf(object: Record<string, unknown>, tools: readonly ToolDefinition[], text: string): ToolCall {
  if (typeof object.function === 'object' && object.function !== null)
    return callOf(object.function as Record<string, unknown>, tools, text);
  const nameKey = NAME_KEYS.find(key => typeof object[key] === 'string');
  if (!nameKey) return broken(text, `The call names no tool. Write it as ${EXAMPLE}`);
  const argumentsKey = ARGUMENT_KEYS.find(key => object[key] !== undefined);
  const { [nameKey]: name, ...others } = object;
  const given = argumentsKey === undefined ? others : object[argumentsKey];
  const args = typeof given === 'string' ? parsedOr(given, null) : given;
  if (typeof args !== 'object' || args === null || Array.isArray(args))
    return broken(text, `The arguments are no JSON object. Write the call as ${EXAMPLE}`);
  return checkedCall(name as string, args as Record<string, unknown>, tools, text);
}
