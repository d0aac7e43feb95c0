/**
 * Tools for a model that has no tool tokens: they are described in the system prompt, and a fenced block of JSON in the
 * answer is a call. VS Code's chat offers a model in its agent mode only if it can call tools.
 */
import { membersIn, type Schema, typesIn } from '../../base/json-schema.ts';

export interface Tool {
  name: string;
  description: string;
  /** JSON Schema of an object. */
  inputSchema?: object | undefined;
}
export type AnswerPart = { kind: 'text'; text: string } | { kind: 'call'; name: string; input: object };

/** Descriptions of many tools together: about 1,200 tokens; the rest of the tools go by name and parameters. */
const DESCRIPTION_CHARS = 4000;
const CALL = /```[\w-]*\s*(\{[\s\S]*?\})\s*```|^\s*(\{[\s\S]*\})\s*$/g;

/** For the end of the system prompt; '' without tools. */
export function describeTools(tools: readonly Tool[]): string {
  if (tools.length === 0) return '';
  let room = DESCRIPTION_CHARS;
  const lines = tools.map(tool => {
    const about = firstSentence(tool.description);
    const line = `- ${tool.name}(${parameters(tool.inputSchema)})`;
    room -= about.length;
    return room > 0 ? `${line}: ${about}` : line;
  });
  return (
    'You can use these tools:\n' +
    `${lines.join('\n')}\n` +
    'To use one, answer with nothing but\n```tool\n{"name": "the tool", "arguments": {}}\n```\n' +
    'The result comes with the next message. Answer in words when you need no tool.'
  );
}

/** A finished answer in its parts: text, and calls of the tools that were offered. Anything else stays text. */
export function readAnswer(answer: string, tools: readonly Tool[]): AnswerPart[] {
  const parts: AnswerPart[] = [];
  let end = 0;
  for (const match of answer.matchAll(CALL)) {
    const call = parseCall(match[1] ?? match[2]!, tools);
    if (!call) continue;
    pushText(parts, answer.slice(end, match.index));
    parts.push(call);
    end = match.index + match[0].length;
  }
  pushText(parts, answer.slice(end));
  return parts;
}

/** How much of a growing answer can be shown already: what comes before anything that may become a call. */
export function settledLength(answer: string): number {
  if (/^\s*\{/.test(answer)) return 0;
  const fence = answer.indexOf('```');
  if (fence >= 0) return fence;
  return answer.length - /`{0,2}$/.exec(answer)![0].length;
}

function parseCall(json: string, tools: readonly Tool[]): AnswerPart | null {
  try {
    const { name, arguments: input = {} } = JSON.parse(json) as { name?: unknown; arguments?: unknown };
    const isKnown = tools.some(tool => tool.name === name);
    return isKnown && typeof input === 'object' && input !== null
      ? { kind: 'call', name: name as string, input }
      : null;
  } catch {
    return null;
  }
}

function pushText(parts: AnswerPart[], text: string): void {
  if (text.trim() !== '') parts.push({ kind: 'text', text });
}

/** `path: string, depth?: integer`. */
function parameters(schema: object | undefined): string {
  const root = (schema ?? {}) as Schema;
  const { properties, required } = membersIn(root, root);
  return Object.entries(properties)
    .map(([name, value]) => {
      const types = typesIn(value, root).filter(type => type !== 'null');
      return `${name}${required.includes(name) ? '' : '?'}: ${types.join(' | ') || 'any'}`;
    })
    .join(', ');
}

const firstSentence = (text: string): string =>
  /^[\s\S]{0,200}?(?:[.!?](?=\s|$)|$|\n)/.exec(text)?.[0].trim() ?? text.slice(0, 200);
