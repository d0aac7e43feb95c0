/** What all dialects do with a call once its name and its arguments are known: find the tool, mend types, or say what is wrong. */
import { jsonType, membersIn, typesIn } from '../../base/json-schema.ts';
import type { ToolCall, ToolDefinition } from '../../protocol/daemon.ts';

type Arguments = Record<string, unknown>;

export const broken = (text: string, error: string): ToolCall => ({ kind: 'broken', text, error });

/** Half a file must never be taken for a file. */
export const cutOff = (text: string): ToolCall =>
  broken(
    text,
    'The call was cut off before its end, so nothing was done. Write it again, shorter if it was long.',
  );

/** What stands behind a call as if it were a part of it. */
export const unread = (text: string, example: string): ToolCall =>
  broken(
    text,
    `What stands behind the call was not read: "${text.slice(0, 40)}". Write each call as ${example}`,
  );

/** The call of a known tool with all that it requires; `text` is what the model wrote. */
export function checkedCall(
  name: string,
  given: Arguments,
  tools: readonly ToolDefinition[],
  text: string,
): ToolCall {
  const tool = tools.find(one => one.name === name);
  if (!tool) {
    return broken(
      text,
      `There is no tool "${name}". The tools are: ${tools.map(one => one.name).join(', ')}.`,
    );
  }
  const entries = Object.entries(given).map(([key, value]) => [key, coerced(value, typesOf(tool, key))]);
  const args: Arguments = Object.fromEntries(entries);
  const missing = requiredOf(tool).filter(key => args[key] === undefined);
  if (missing.length === 0) return { kind: 'call', name, arguments: args };
  const list = missing.map(key => `"${key}"`).join(', ');
  return broken(text, `${name} needs ${list}. Call it again with all of: ${requiredOf(tool).join(', ')}.`);
}

export const requiredOf = ({ parameters }: ToolDefinition): string[] =>
  membersIn(parameters, parameters).required;

export const hasArgument = ({ parameters }: ToolDefinition, key: string): boolean =>
  Object.hasOwn(membersIn(parameters, parameters).properties, key);

/** JSON types that the schema allows for a key; [] where it doesn't say. */
export function typesOf({ parameters }: ToolDefinition, key: string): string[] {
  const { properties } = membersIn(parameters, parameters);
  return Object.hasOwn(properties, key) ? typesIn(properties[key], parameters) : [];
}

/** Weak models write "5" for 5 and [] as "[]": what only lacks its type is given it, anything else stays as it is. */
function coerced(value: unknown, types: readonly string[]): unknown {
  if (types.length === 0 || fits(value, types)) return value;
  if (types.includes('string') && (typeof value === 'number' || typeof value === 'boolean'))
    return String(value);
  const parsed = typeof value === 'string' ? parsedOr(value, value) : value;
  return fits(parsed, types) ? parsed : value;
}

export const fits = (value: unknown, types: readonly string[]): boolean =>
  types.includes(jsonType(value)) || (types.includes('number') && typeof value === 'number');

export function parsedOr<T>(json: string, otherwise: T): unknown | T {
  try {
    return JSON.parse(json);
  } catch {
    return otherwise;
  }
}
