/**
 * Grammar of arguments that stand in tags, a pair for each: strings as they are, which suits code, everything else as JSON.
 * So a value's type is known from the tool's schema only.
 */
import type { StructuralTagFormat } from '@mlc-ai/web-xgrammar';
import type { ToolDefinition } from '../../protocol/daemon.ts';
import { requiredOf, typesOf } from './read-call.ts';

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
  return isText(types) ? { type: 'any_text' } : { type: 'json_schema', json_schema: schema };
}

/** Whether a value of these types stands as it is, and is no JSON. */
export const isText = (types: readonly string[]): boolean => types.length === 0 || types.includes('string');
