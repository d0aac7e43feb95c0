/**
 * GLM-4.5's form: the tool's name, then a pair of tags for each argument. Strings stand there as they are, which suits
 * code; everything else as JSON. So a value's type is known from the tool's schema only.
 */
import type { StructuralTagFormat } from '@mlc-ai/web-xgrammar';
import type { ToolDefinition } from '../../protocol/daemon.ts';
import type { ToolDialect } from './dialect.ts';
import { broken, checkedCall, cutOff, parsedOr, requiredOf, typesOf } from './read-call.ts';

type Schema = Record<string, unknown>;

const BEGIN = '<tool_call>';
const END = '</tool_call>';
const EXAMPLE = `${BEGIN}the tool\n<arg_key>key</arg_key>\n<arg_value>value</arg_value>\n${END}`;
/** An empty constant is refused by the library, an empty rule is not. */
const NOTHING: StructuralTagFormat = { type: 'grammar', grammar: 'root ::= ""' };
const PAIR = /\s*<arg_key>\s*([^<]*?)\s*<\/arg_key>\s*<arg_value>([\s\S]*?)<\/arg_value>\s*/y;

export const glm: ToolDialect = {
  name: 'glm',
  isTaughtBy: template => template.includes('<arg_key>'),
  markers: [BEGIN, END, '<arg_key>', '</arg_key>', '<arg_value>', '</arg_value>'],
  begin: BEGIN,
  end: END,
  example: EXAMPLE,

  grammar: (tools, isRequired) => ({
    type: 'triggered_tags',
    triggers: [BEGIN],
    tags: tools.map(tool => ({
      type: 'tag',
      begin: `${BEGIN}${tool.name}\n`,
      content: argumentsFormat(tool),
      end: END,
    })),
    at_least_one: isRequired,
    stop_after_first: isRequired,
  }),

  isBody: body => /^\s*[\w.-]+\s*(<arg_key>|$)/.test(body),
  isInValue: body => body.lastIndexOf('<arg_value>') > body.lastIndexOf('</arg_value>'),

  read(body, tools, isWhole) {
    const text = body.trim();
    if (!isWhole || glm.isInValue(body)) return cutOff(text);
    const name = /^[\w.-]*/.exec(text)![0];
    const tool = tools.find(one => one.name === name);
    const args: Record<string, unknown> = {};
    PAIR.lastIndex = name.length;
    let end = name.length;
    for (let pair = PAIR.exec(text); pair; pair = PAIR.exec(text)) {
      const [, key, value] = pair as unknown as [string, string, string];
      args[key] = tool ? readValue(value, typesOf(tool, key)) : value;
      end = PAIR.lastIndex;
    }
    if (text.slice(end).trim() !== '')
      return broken(
        text,
        `The call can't be read from "${text.slice(end, end + 40)}" on. Write it as ${EXAMPLE}`,
      );
    return checkedCall(name, args, tools, text);
  },
};

/** Every argument in the schema's order, the optional ones or not. */
function argumentsFormat(tool: ToolDefinition): StructuralTagFormat {
  const properties = Object.entries((tool.parameters.properties ?? {}) as Record<string, Schema>);
  if (properties.length === 0) return NOTHING;
  const elements = properties.map(([key, schema]): StructuralTagFormat => {
    const pair: StructuralTagFormat = {
      type: 'tag',
      begin: `<arg_key>${key}</arg_key>\n<arg_value>`,
      content: valueFormat(schema, typesOf(tool, key)),
      end: '</arg_value>\n',
    };
    return requiredOf(tool).includes(key) ? pair : { type: 'or', elements: [NOTHING, pair] };
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

const isText = (types: readonly string[]): boolean => types.length === 0 || types.includes('string');

const readValue = (text: string, types: readonly string[]): unknown =>
  isText(types) ? text : parsedOr(text.trim(), text);
