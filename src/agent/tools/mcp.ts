/**
 * Tools of MCP servers, as tools of the agent. A few stand beside the built-in ones; many would fill the window, so then the model
 * searches them and calls what it found by name. What a server says about its tools is data: shown, cut, and of its schemas only the
 * plain part is passed on.
 */
import { toMoebiusError } from '../../base/errors.ts';
import { branchesOf, isObject, membersIn, type Schema } from '../../base/json-schema.ts';
import { shownData } from '../data-text.ts';
import type { McpPort, McpTool } from '../ports.ts';
import { string } from './parameters.ts';
import { defineTool, type PreparedCall, short, type Tool, type ToolResult, told } from './tool.ts';

/** Up to so many stand beside the built-in tools, if there is room for them. */
const DIRECT_TOOLS = 8;
const FOUND_TOOLS = 8;
const DESCRIPTION_CHARS = 300;
/** Of a parameter, or of one of its fixed values. */
const NAME_CHARS = 100;
const SCHEMA_DEPTH = 8;
/** Of one tool: references make a schema of any size out of a short one. */
const SCHEMA_PARTS = 500;

/** `isRoomFor`: whether these tools fit behind the built-in ones. */
export async function mcpTools(
  port: McpPort,
  signal: AbortSignal,
  isRoomFor: (tools: readonly Tool[]) => Promise<boolean>,
): Promise<{ tools: Tool[]; problems: string[] }> {
  const { tools: listed, problems } = await port
    .list(signal)
    .catch(thrown => ({ tools: [], problems: [toMoebiusError(thrown).message] }));
  const named = nameAll(listed);
  if (named.length === 0) return { tools: [], problems };
  const direct = named.map(directTool);
  // Where it can't be counted the first request fails as well, and says why.
  const isFew = direct.length <= DIRECT_TOOLS && (await isRoomFor(direct).catch(() => false));
  return { tools: isFew ? direct : [searchTools(named), useTool(named)], problems };
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

function directTool(tool: NamedTool): Tool {
  return {
    definition: { name: tool.id, description: descriptionOf(tool), parameters: plainSchema(tool.schema) },
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
      const entries = found.map(
        tool =>
          `${tool.id}: ${descriptionOf(tool)}\n  arguments: ${JSON.stringify(plainSchema(tool.schema))}`,
      );
      return told(entries.join('\n'), `${found.length} found`);
    },
  });

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

/** What a grammar can be made of whatever the server says: types, unions of them, properties, lists, fixed values, descriptions. */
function plainSchema(root: Schema): Record<string, unknown> {
  const inside: Inside = { root, depth: SCHEMA_DEPTH, parts: { left: SCHEMA_PARTS }, objects: [] };
  return { type: 'object', ...plainMembers(membersIn(root, root), inside) };
}

/** Where in a schema a part of it stands, and what there is left to look at. */
interface Inside {
  root: Schema;
  depth: number;
  parts: { left: number };
  /** The properties of those around it: one that stands in itself is not shown again. */
  objects: unknown[];
}

function plainMembers(object: Schema, inside: Inside): { properties: Schema; required?: string[] } {
  const { properties, required } = object;
  const entries = Object.entries(isObject(properties) ? properties : {}).filter(([name]) => isName(name));
  const wanted = new Set(Array.isArray(required) ? required : []);
  const plain = entries.map(([name, value]) => [name, plainValue(value, inside, !wanted.has(name))] as const);
  const needed = entries.map(([name]) => name).filter(name => wanted.has(name));
  return { properties: Object.fromEntries(plain), ...(needed.length > 0 && { required: needed }) };
}

/** {}: it may be anything. `isOptional`: it may be left out, which says as much as null. */
function plainValue(value: unknown, inside: Inside, isOptional = false): Schema {
  if (inside.depth === 0 || inside.parts.left-- <= 0) return {};
  const all = branchesOf(value, inside.root);
  const given = all.filter(({ type }) => type !== 'null');
  const branches = isOptional && given.length > 0 ? given : all;
  const { description } = branches.length === 1 ? branches[0]! : (value as Schema);
  const text = typeof description === 'string' ? { description: short(shownData(description)) } : {};
  return { ...union(branches.map(branch => plainBranch(branch, inside))), ...text };
}

/** One schema for all of these, in as few words as it takes. */
function union(schemas: readonly Schema[]): Schema {
  const all = [...new Map(schemas.map(schema => [JSON.stringify(schema), schema])).values()];
  if (all.length === 1) return all[0]!;
  if (all.some(({ type }) => type === undefined)) return {};
  if (all.every(schema => Array.isArray(schema.enum)))
    return { type: 'string', enum: [...new Set(all.flatMap(schema => schema.enum))] };
  if (all.every(schema => Object.keys(schema).length === 1)) return { type: all.map(({ type }) => type) };
  return { anyOf: all };
}

function plainBranch(branch: Schema, around: Inside): Schema {
  const { type, items, properties, additionalProperties: others } = branch;
  const inside = { ...around, depth: around.depth - 1, objects: [...around.objects, properties] };
  const choices = 'const' in branch ? [branch.const] : branch.enum;
  const isChoice =
    Array.isArray(choices) &&
    choices.length > 0 &&
    choices.every(one => typeof one === 'string' && isName(one));
  if (isChoice) return { type: 'string', enum: choices };
  if (type === 'array') return { type, ...(items !== undefined && { items: plainValue(items, inside) }) };
  if (type !== 'object') return type === undefined ? {} : { type };
  const isKnown = isObject(properties) && !around.objects.includes(properties);
  const more = isObject(others) ? plainValue(others, inside) : others === true;
  return {
    type,
    ...((isKnown || others === false) && plainMembers(branch, inside)),
    ...(more !== false && { additionalProperties: more }),
  };
}

/** What the model must write letter by letter can't be shown to it in another form. */
const isName = (text: string): boolean => text.length <= NAME_CHARS && shownData(text) === text;

function objectIn(json: string): Record<string, unknown> | null {
  try {
    const value: unknown = JSON.parse(json);
    return isObject(value) ? value : null;
  } catch {
    return null;
  }
}
