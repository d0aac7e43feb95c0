/**
 * Arguments that stand in tags, a pair for each: strings as they are, which suits code, everything else as JSON. So a value's
 * type is known from the tool's schema only.
 */
import type { StructuralTagFormat } from '@mlc-ai/web-xgrammar';
import { jsonrepair } from 'jsonrepair';
import type { ToolDefinition } from '../../protocol/daemon.ts';
import { parsedOr, requiredOf, typesOf } from './read-call.ts';
import { scan } from './tolerant-json.ts';

type Schema = Record<string, unknown>;

/** An empty constant is refused by the library, an empty rule is not. */
const NOTHING: StructuralTagFormat = { type: 'grammar', grammar: 'root ::= ""' };
/** Models of one dialect differ in where they break lines. */
export const LINE_END: StructuralTagFormat = { type: 'grammar', grammar: 'root ::= "\\n"?' };

/** Every argument in the schema's order, the optional ones or not; `pair` puts the tags around a value. */
export function taggedArguments(
  tool: ToolDefinition,
  pair: (key: string, value: StructuralTagFormat) => StructuralTagFormat,
): StructuralTagFormat {
  const properties = Object.entries((tool.parameters.properties ?? {}) as Record<string, Schema>);
  if (properties.length === 0) return NOTHING;
  const elements = properties.map(([key, schema]): StructuralTagFormat => {
    const tagged = pair(key, valueFormat(schema, typesOf(tool, key)));
    return requiredOf(tool).includes(key) ? tagged : { type: 'or', elements: [NOTHING, tagged] };
  });
  return { type: 'sequence', elements };
}

function valueFormat(schema: Schema, types: readonly string[]): StructuralTagFormat {
  if (Array.isArray(schema.enum)) {
    const texts = schema.enum.map(value => (typeof value === 'string' ? value : JSON.stringify(value)));
    return {
      type: 'or',
      elements: texts.map(text => (text === '' ? NOTHING : { type: 'const_string', value: text })),
    };
  }
  if (isText(types)) return { type: 'any_text' };
  const words = types.flatMap(type => PYTHON_WORDS[type] ?? []);
  const json: StructuralTagFormat = { type: 'json_schema', json_schema: schema };
  if (words.length === 0) return json;
  return { type: 'or', elements: [json, ...words.map(value => ({ type: 'const_string', value }) as const)] };
}

/** As Qwen3-Coder's template writes true, false and null, and so the model. */
const PYTHON_WORDS: Readonly<Record<string, readonly string[]>> = {
  boolean: ['True', 'False'],
  null: ['None'],
};

/** What stands between the tags of an argument of these types. */
export function readTagged(text: string, types: readonly string[]): unknown {
  const word = text.trim();
  if (types.includes('null') && (word === 'null' || word === 'None')) return null;
  if (isText(types)) return text;
  if (types.includes('boolean') && PYTHON_WORDS.boolean!.includes(word)) return word === 'True';
  const value = parsedOr(word, undefined);
  return value === undefined ? mended(word, text) : value;
}

/** A whole list or object in single quotes, say; anything else is told as it was written. */
function mended(word: string, text: string): unknown {
  if (!/^[[{]/.test(word) || scan(word).end !== word.length) return text;
  try {
    return JSON.parse(jsonrepair(word));
  } catch {
    return text;
  }
}

/** Whether a value of these types stands as it is, and is no JSON. */
const isText = (types: readonly string[]): boolean => types.length === 0 || types.includes('string');
