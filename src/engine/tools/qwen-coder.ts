/** Qwen3-Coder's form: function tags between `<tool_call>` markers. */
import { LINE_END, taggedArguments } from './argument-tags.ts';
import type { ToolDialect } from './dialect.ts';
import {
  FUNCTION_BEGIN,
  FUNCTION_END,
  isInParameter,
  PARAMETER_BEGIN,
  PARAMETER_END,
  readFunctionTags,
} from './function-tags.ts';

const BEGIN = '<tool_call>';
const END = '</tool_call>';
const EXAMPLE = `${BEGIN}\n${FUNCTION_BEGIN}the tool>\n${PARAMETER_BEGIN}key>\nvalue\n${PARAMETER_END}\n${FUNCTION_END}\n${END}`;

export const qwenCoder: ToolDialect = {
  name: 'qwen-coder',
  markers: [BEGIN, END],
  begin: BEGIN,
  end: END,
  example: EXAMPLE,

  grammar: (tools, isRequired) => ({
    type: 'triggered_tags',
    triggers: [BEGIN],
    tags: tools.map(tool => ({
      type: 'tag',
      begin: `${BEGIN}\n${FUNCTION_BEGIN}${tool.name}>\n`,
      content: taggedArguments(tool, (key, value) => ({
        type: 'sequence',
        elements: [
          {
            type: 'tag',
            begin: `${PARAMETER_BEGIN}${key}>\n`,
            // The line that ends a text is a part of it here, so that a text ends without one too.
            content: value.type === 'any_text' ? value : { type: 'sequence', elements: [value, LINE_END] },
            end: PARAMETER_END,
          },
          LINE_END,
        ],
      })),
      end: `${FUNCTION_END}\n${END}`,
    })),
    at_least_one: isRequired,
    stop_after_first: isRequired,
  }),

  // Behind a sentence too, but not inside another dialect's value.
  isBody: body => /^[^<{]*<function=/.test(body),
  isInValue: isInParameter,

  read(body, tools, isWhole) {
    const inner = body.slice(body.indexOf(FUNCTION_BEGIN) + FUNCTION_BEGIN.length);
    const ends = [...inner.matchAll(/<\/function>/g)].map(match => match.index);
    const end = ends.find(at => !isInParameter(inner.slice(0, at)));
    const call = readFunctionTags(inner.slice(0, end), tools, isWhole && end !== undefined);
    const rest = end === undefined ? '' : inner.slice(end + FUNCTION_END.length);
    return rest.includes(FUNCTION_BEGIN) ? [call, ...qwenCoder.read(rest, tools, isWhole)] : [call];
  },
};
