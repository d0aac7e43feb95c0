/** GLM's form: the tool's name, then a pair of tags for each argument. GLM-4.5 breaks a line behind each, GLM-4.7 none. */

import type { ToolDefinition } from '../../protocol/daemon.ts';
import { LINE_END, parted, readTagged, taggedArguments } from './argument-tags.ts';
import type { ToolDialect } from './dialect.ts';
import { broken, checkedCall, cutOff, hasArgument, requiredOf, typesOf } from './read-call.ts';

const BEGIN = '<tool_call>';
const END = '</tool_call>';
const EXAMPLE = `${BEGIN}the tool\n<arg_key>key</arg_key>\n<arg_value>value</arg_value>\n${END}`;
/** Models double the tags of a key, begin the first with the call's marker, and forget the one that begins a value. */
const PAIR =
  /\s*(?:<(?:arg_key|tool_call)>\s*)+([^<]*?)\s*(?:<\/arg_key>\s*)+(?:<arg_value>)?([\s\S]*?)<\/arg_value>\s*/y;
/** What a value runs into where its end is forgotten. */
const INNER = /\n?<arg_key>([^<]*)<\/arg_key>\s*<arg_value>/g;
/** A call behind one that lacks its end marker. */
const NEXT = /^\s*<tool_call>(?=[\w.-]+\s*(?:<arg_key>|<tool_call>|$))/;

export const glm: ToolDialect = {
  name: 'glm',
  markers: [BEGIN, END, '<arg_key>', '</arg_key>', '<arg_value>', '</arg_value>'],
  begin: BEGIN,
  end: END,
  example: EXAMPLE,

  grammar: (tools, isRequired) => ({
    type: 'triggered_tags',
    triggers: [BEGIN],
    tags: tools.map(tool => ({
      type: 'tag',
      begin: `${BEGIN}${tool.name}`,
      content: {
        type: 'sequence',
        elements: [
          LINE_END,
          taggedArguments(tool, (key, value) => ({
            type: 'sequence',
            elements: [
              { type: 'const_string', value: `<arg_key>${key}</arg_key>` },
              LINE_END,
              { type: 'tag', begin: '<arg_value>', content: value, end: '</arg_value>' },
              LINE_END,
            ],
          })),
        ],
      },
      end: END,
    })),
    at_least_one: isRequired,
    stop_after_first: isRequired,
  }),

  isBody: body => /^\s*[\w.-]+\s*(<arg_key>|<tool_call>|$)/.test(body),
  isInValue: body => body.lastIndexOf('<arg_value>') > body.lastIndexOf('</arg_value>'),

  read(body, tools, isWhole) {
    const text = body.trim();
    if (!isWhole || glm.isInValue(body)) return [cutOff(text)];
    const name = /^[\w.-]*/.exec(text)![0];
    const tool = tools.find(one => one.name === name);
    const args: Record<string, unknown> = {};
    PAIR.lastIndex = name.length;
    let end = name.length;
    for (let pair = PAIR.exec(text); pair; pair = PAIR.exec(text)) {
      const [, key, value] = pair as unknown as [string, string, string];
      end = PAIR.lastIndex;
      const isMissing = (name: string) =>
        hasArgument(tool!, name) && !(name in args) && !text.includes(`<arg_key>${name}</arg_key>`, end);
      const parts = tool
        ? parted(key, value, INNER, name => isMissing(name) && !isTextOption(tool, name))
        : [];
      for (const [name, part] of parts) args[name] = readTagged(part, typesOf(tool!, name));
      // A text may well hold such tags, and an option that follows may be a text as well: neither is guessed.
      const unclear = parts
        .flatMap(([, part]) => [...part.matchAll(INNER)])
        .find(([, name]) => isMissing(name!));
      if (unclear)
        return [
          broken(
            text,
            `It is not clear where "${key}" ends, so nothing was done. Write the call as ${EXAMPLE}`,
          ),
        ];
    }
    const rest = text.slice(end);
    const next = NEXT.exec(rest);
    if (next)
      return [
        checkedCall(name, args, tools, text.slice(0, end).trim()),
        ...glm.read(rest.slice(next[0].length), tools, isWhole),
      ];
    if (rest.trim() !== '')
      return [broken(text, `The call can't be read from "${rest.slice(0, 40)}" on. Write it as ${EXAMPLE}`)];
    return [checkedCall(name, args, tools, text)];
  },
};

function isTextOption(tool: ToolDefinition, name: string): boolean {
  const types = typesOf(tool, name);
  return (types.length === 0 || types.includes('string')) && !requiredOf(tool).includes(name);
}
