/**
 * Tools of MCP servers, as tools of the agent. A few stand beside the built-in ones; many would fill the window, so then the model
 * searches them and calls what it found by name. What a server says about its tools is data: shown, cut, and of its schemas only the
 * plain part is passed on.
 */
import { toMoebiusError } from '../../base/errors.ts';
import { isObject } from '../../base/json-schema.ts';
import { shownData } from '../data-text.ts';
import type { McpPort, McpTool } from '../ports.ts';
import { MAX_SCHEMA_CHARS, plainSchema, SHOWN_CHARS } from './mcp-schema.ts';
import { string } from './parameters.ts';
import { defineTool, type PreparedCall, short, type Tool, type ToolResult, told } from './tool.ts';

/** Up to so many stand beside the built-in tools, if there is room for them. */
const DIRECT_TOOLS = 8;
const FOUND_TOOLS = 8;
const DESCRIPTION_CHARS = 300;
/** Of a tool's schema: as much as is shown where there is room, and less before they are only found by searching. */
const DIRECT_CHARS = [SHOWN_CHARS, SHOWN_CHARS / 3];

/** `isRoomFor`: whether these tools fit behind the built-in ones. */
export async function mcpTools(
  port: McpPort,
  signal: AbortSignal,
  isRoomFor: (tools: readonly Tool[]) => Promise<boolean>,
): Promise<{ tools: Tool[]; problems: string[] }> {
  const { tools: listed, problems: unreached } = await port
    .list(signal)
    .catch(thrown => ({ tools: [], problems: [toMoebiusError(thrown).message] }));
  const [known, tooLong] = splitBy(listed, ({ schema }) => JSON.stringify(schema).length <= MAX_SCHEMA_CHARS);
  const problems = [
    ...unreached,
    ...tooLong.map(
      ({ server, name }) =>
        `The tool ${short(name)} of ${short(server)} is left out: its schema is too long.`,
    ),
  ];
  const named = nameAll(known);
  if (named.length === 0) return { tools: [], problems };
  for (const chars of named.length <= DIRECT_TOOLS ? DIRECT_CHARS : []) {
    const direct = named.map(tool => directTool(tool, chars));
    // Where it can't be counted the first request fails as well, and says why.
    if (await isRoomFor(direct).catch(() => false)) return { tools: direct, problems };
  }
  return { tools: [searchTools(named), useTool(named)], problems };
}

interface NamedTool extends McpTool {
  /** By which the model calls it: unlike any other. */
  id: string;
}

/** In an order that does not depend on which server answered first. */
function nameAll(tools: readonly McpTool[]): NamedTool[] {
  const taken = new Set<string>();
  const keyOf = ({ server, name }: McpTool) => `${server}\0${name}`;
  return [...tools]
    .sort((a, b) => (keyOf(a) < keyOf(b) ? -1 : 1))
    .map(tool => {
      const base = `mcp_${tool.server}_${tool.name}`.replace(/[^\w.-]/g, '_').slice(0, 60);
      let id = base;
      for (let n = 2; taken.has(id); n++) id = `${base}_${n}`;
      taken.add(id);
      return { ...tool, id };
    });
}

function directTool(tool: NamedTool, chars: number): Tool {
  return {
    definition: {
      name: tool.id,
      description: descriptionOf(tool),
      parameters: plainSchema(tool.schema, chars),
    },
    isChanging: true,
    prepare: args => callOf(tool, args),
  };
}

const callOf = ({ server, name }: McpTool, args: Record<string, unknown>): PreparedCall => ({
  title: `Use ${short(name)} of ${short(server)}`,
  async run({ callId, actions }): Promise<ToolResult> {
    const { ok, text, changes } = await actions.mcp(callId, server, name, args);
    return { ok, text, summary: '', changes, isTold: true };
  },
});

const searchTools = (all: readonly NamedTool[]): Tool =>
  defineTool({
    name: 'search_tools',
    description: 'Find tools of connected servers by what they do. Call them with use_tool.',
    parameters: { query: string('words') },
    title: ({ query }) => `Search tools for ${short(query)}`,
    async run({ query }) {
      const found = ranked(all, query).slice(0, FOUND_TOOLS);
      if (found.length === 0)
        return told(`No tool fits. There are: ${all.map(tool => tool.id).join(', ')}`, 'none');
      const entries = found.map(tool => `${tool.id}: ${descriptionOf(tool)}\n${listedArguments(tool)}`);
      return told(entries.join('\n'), `${found.length} found`);
    },
  });

/** One a line, as a long line is cut, and those first that must be there. */
function listedArguments({ schema }: NamedTool): string {
  const { properties, required = [] } = plainSchema(schema);
  const [needed, others] = splitBy(Object.entries(properties), ([name]) => required.includes(name));
  const line =
    (of: string) =>
    ([name, value]: [string, unknown]) =>
      `  ${of} argument ${name}: ${JSON.stringify(value)}`;
  return [...needed.map(line('required')), ...others.map(line('optional'))].join('\n') || '  no arguments';
}

const useTool = (all: readonly NamedTool[]): Tool =>
  defineTool({
    name: 'use_tool',
    description: 'Call a tool that search_tools found.',
    parameters: { name: string('its name'), arguments: string('its arguments, a JSON object as text') },
    isChanging: true,
    title: ({ name }) => `Use ${short(name)}`,
    async run({ name, arguments: json }, context) {
      const wanted = all.find(one => one.id === name);
      if (!wanted) return told(`There is no tool ${name}. Use search_tools.`, 'unknown', false);
      const args = objectIn(json);
      if (!args) return told(`The arguments of ${name} are no JSON object.`, 'no JSON', false);
      return callOf(wanted, args).run(context);
    },
  });

const descriptionOf = ({ description }: McpTool): string => short(shownData(description), DESCRIPTION_CHARS);

/** Those with most of the words first; none without any. */
function ranked(all: readonly NamedTool[], query: string): NamedTool[] {
  const words = query.toLowerCase().match(/[\p{L}\p{N}]+/gu) ?? [];
  const scored = all.map(tool => {
    const text = `${tool.id} ${tool.description}`.toLowerCase();
    return { tool, score: words.filter(word => text.includes(word)).length };
  });
  return scored
    .filter(({ score }) => score > 0)
    .sort((a, b) => b.score - a.score)
    .map(({ tool }) => tool);
}

function objectIn(json: string): Record<string, unknown> | null {
  try {
    const value: unknown = JSON.parse(json);
    return isObject(value) ? value : null;
  } catch {
    return null;
  }
}

function splitBy<T>(all: readonly T[], isFirst: (one: T) => boolean): [T[], T[]] {
  return [all.filter(isFirst), all.filter(one => !isFirst(one))];
}
