/** `<function=name>` with a `<parameter=key>` tag for each argument: Qwen3-Coder's form, and models of others fall into it. */
import type { ToolCall, ToolDefinition } from '../../protocol/daemon.ts';
import { parted, readTagged } from './argument-tags.ts';
import { broken, checkedCall, cutOff, requiredOf, typesOf } from './read-call.ts';

export const FUNCTION_BEGIN = '<function=';
export const FUNCTION_END = '</function>';
export const PARAMETER_BEGIN = '<parameter=';
export const PARAMETER_END = '</parameter>';
const INNER = /\n<parameter=([^>\s]+)>\n/g;
const PARAMETER = /\s*<parameter=([^>\s]+)>\n?([\s\S]*?)\n?<\/parameter>\s*/y;

/** `body` stands between FUNCTION_BEGIN and FUNCTION_END: `name> parameters`. */
export function readFunctionTags(body: string, tools: readonly ToolDefinition[], isWhole: boolean): ToolCall {
  const text = FUNCTION_BEGIN + body.trim();
  if (!isWhole) return cutOff(text);
  const head = /^\s*([\w.-]+)\s*>/.exec(body);
  if (!head) return broken(text, 'The call names no tool.');
  const [begin, name] = head as unknown as [string, string];
  const tool = tools.find(one => one.name === name);
  const args: Record<string, unknown> = {};
  PARAMETER.lastIndex = begin.length;
  let end = begin.length;
  for (let match = PARAMETER.exec(body); match; match = PARAMETER.exec(body)) {
    const [, key, value] = match as unknown as [string, string, string];
    end = PARAMETER.lastIndex;
    // A text may well hold such a tag; without what the tool requires the call would be refused anyway.
    const isMissing = (name: string) =>
      requiredOf(tool!).includes(name) &&
      !(name in args) &&
      !body.includes(`${PARAMETER_BEGIN}${name}>`, end);
    for (const [name, text] of tool ? parted(key, value, INNER, isMissing) : [])
      args[name] = readTagged(text, typesOf(tool!, name));
  }
  if (body.slice(end).trim() !== '') return cutOff(text);
  return checkedCall(name, args, tools, text);
}

/** Whether `body`, between FUNCTION_BEGIN and FUNCTION_END, ends inside of an argument. */
export const isInParameter = (body: string): boolean =>
  body.lastIndexOf(PARAMETER_BEGIN) > body.lastIndexOf(PARAMETER_END);
