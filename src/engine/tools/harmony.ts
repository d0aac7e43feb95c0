/**
 * gpt-oss's form (https://cookbook.openai.com/articles/openai-harmony): a call is a message to `functions.name` whose text is
 * the arguments' JSON, and `<|call|>` ends the whole answer. Where the recipient stands, before the channel or behind it, is free;
 * readers see one form of it, which `callHeader` writes (reasoning.ts).
 */
import type { StructuralTagFormat } from '@mlc-ai/web-xgrammar';
import type { ChatMessage, ToolDefinition } from '../../protocol/daemon.ts';
import type { TemplateMessage, ToolDialect } from './dialect.ts';
import { broken, checkedCall, cutOff, unread } from './read-call.ts';
import { objectTexts, readJsonObject, scan, unreadBehind } from './tolerant-json.ts';

const NAMESPACE = 'functions.';
const BEGIN = '<|channel|>commentary to=';
const MESSAGE = '<|message|>';
const END = '<|call|>';
const EXAMPLE = `${BEGIN}${NAMESPACE}the_tool <|constrain|>json${MESSAGE}{"key": "value"}${END}`;
/** What may stand between a tool's name and its arguments, by the place of the recipient. */
const HEADER_ENDS = [
  '<|channel|>commentary json',
  '<|channel|>commentary <|constrain|>json',
  ' <|constrain|>json',
  ' json',
];

/** The beginning of a call as the reader sees it; `recipient` as the model wrote it. */
export const callHeader = (recipient: string): string => BEGIN + recipient + MESSAGE;
export const CALL_END = END;

export const harmony: ToolDialect = {
  name: 'harmony',
  // `<|call|>` is a stop token of its own.
  markers: ['<|start|>', '<|channel|>', '<|constrain|>', MESSAGE, '<|end|>'],
  begin: BEGIN,
  end: END,
  example: EXAMPLE,
  answerOpening: `<|channel|>final${MESSAGE}`,

  grammar: (tools, isRequired) => ({
    type: 'triggered_tags',
    triggers: [` to=${NAMESPACE}`],
    tags: tools.map(({ name, parameters }) => ({
      type: 'tag',
      begin: ` to=${NAMESPACE}${name}`,
      content: {
        type: 'sequence',
        elements: [
          {
            type: 'or',
            elements: HEADER_ENDS.map(
              (end): StructuralTagFormat => ({ type: 'const_string', value: end + MESSAGE }),
            ),
          },
          { type: 'json_schema', json_schema: parameters },
        ],
      },
      end: '',
    })),
    at_least_one: isRequired,
    // Behind a call only a stop token fits.
    stop_after_first: true,
  }),

  isBody: body => /^\s*[\w.:-]+(?!\S*<arg_key>)[^{]*<\|message\|>/.test(body),
  isInValue: body => scan(objectTexts(textOf(body)).at(-1)!).isInString,

  read(body, tools, isWhole) {
    const text = BEGIN + body.trimEnd();
    const json = textOf(body).trim();
    const name = toolName(body, tools);
    if (json === '' && isWhole) return [checkedCall(name, {}, tools, text)];
    return objectTexts(json).flatMap(one => {
      const reading = readJsonObject(one, isWhole);
      if (reading.kind === 'cut') return [cutOff(text)];
      if (reading.kind === 'malformed')
        return [broken(text, `The arguments are no valid JSON object. Write the call as ${EXAMPLE}`)];
      const behind = unreadBehind(one);
      const call = checkedCall(name, reading.value, tools, text);
      return behind === null ? [call] : [call, unread(behind, EXAMPLE)];
    });
  },

  /** The template takes calls apart from text, one a message, and refuses a result that follows no call. */
  forTemplate(messages) {
    const told: TemplateMessage[] = [];
    let isCalled = false;
    /** Calls of the same message, each to be told before its result. */
    let further: TemplateMessage[] = [];
    for (const message of messages) {
      if (message.role === 'tool') {
        if (told.at(-1)?.role === 'tool') told.push(...further.splice(0, 1));
        told.push(isCalled ? message : { ...message, role: 'user' });
        continue;
      }
      told.push(...further);
      further = [];
      const split = message.role === 'assistant' ? message.content.indexOf(BEGIN) : -1;
      if (message.role === 'assistant') isCalled = split >= 0;
      const [first, ...others] = split < 0 ? [message] : calling(message, split);
      told.push(first!);
      further = others;
    }
    return [...told, ...further];
  },
};

/** An assistant's message whose call begins at `split`, in messages of one call each. */
function calling({ role, content }: ChatMessage, split: number): TemplateMessage[] {
  const body = content.slice(split + BEGIN.length);
  const text = textOf(body).trim();
  const json = text.endsWith(END) ? text.slice(0, -END.length).trimEnd() : text;
  const readings = objectTexts(json).map(one => readJsonObject(one, true));
  const given = readings.map(reading => (reading.kind === 'object' ? reading.value : null));
  // What can't be read is told as it was written.
  const all = given.includes(null) || unreadBehind(objectTexts(json).at(-1)!) !== null ? [json] : given;
  return all.map((args, i) => ({
    role,
    content: i === 0 ? content.slice(0, split).trim() : '',
    tool_calls: [{ name: toolName(body, []), arguments: args }],
  }));
}

/** What the message behind the header says. */
function textOf(body: string): string {
  const at = body.indexOf(MESSAGE);
  return at < 0 ? '' : body.slice(at + MESSAGE.length);
}

/**
 * The tool that a header names. Models lose the special tokens around a name, or repeat its namespace, so that it comes as
 * `functions.functions.edit`, `edit<|constrain|>json`, `editjson` or `edit:0`.
 */
function toolName(body: string, tools: readonly ToolDefinition[]): string {
  const [word = ''] = /^[^\s<]*/.exec(body.trimStart())!;
  let name = word;
  while (name.startsWith(NAMESPACE)) name = name.slice(NAMESPACE.length);
  if (tools.some(tool => tool.name === name)) return name;
  const meant = tools.find(tool => {
    const rest = name.startsWith(tool.name) ? name.slice(tool.name.length) : null;
    return rest !== null && /^(?:json|code|commentary|analysis|:\d+)+$/.test(rest);
  });
  return meant?.name ?? name;
}
