/**
 * What the model is shown of a tool's schema that a server sent: all arguments first, then what they hold as far as there is room.
 * References make a schema of any size out of a short one.
 */
import { branchesOf, isObject, membersIn, type Schema } from '../../base/json-schema.ts';
import { shownData } from '../data-text.ts';
import { short } from './tool.ts';

/** Of a schema that a server sent; one that is longer takes too long to look at. */
export const MAX_SCHEMA_CHARS = 256 * 1024;
/** Beyond this nothing is shown of what the arguments hold. */
export const SHOWN_CHARS = 1800;
/** Of the arguments themselves. */
const ARGUMENTS_CHARS = 20_000;
/** Of a parameter, or of one of its fixed values. */
const NAME_CHARS = 100;
const MAX_DEPTH = 8;
/** Values and branches that are looked at for one tool, at all depths together. */
const MAX_PARTS = 1000;

interface PlainObject extends Schema {
  type: 'object';
  required?: string[];
  properties: Schema;
}

/** What a grammar can be made of whatever the server says: types, unions of them, properties, lists, fixed values, descriptions. */
export function plainSchema(root: Schema, shownChars = SHOWN_CHARS): PlainObject {
  const { properties, required } = membersIn(root, root);
  const wanted = new Set(required);
  const parts = { left: MAX_PARTS };
  const plain = (name: string, depth: number) =>
    plainValue(properties[name], { root, depth, parts, objects: [] }, !wanted.has(name));
  const names = Object.keys(properties).filter(isName);
  const needed = names.filter(name => wanted.has(name));
  const shown = new Map<string, Schema>();
  let chars = 0;
  for (const name of new Set([...needed, ...names])) {
    const fitting = [plain(name, 0), {}].find(form => chars + sizeOf(name, form) <= ARGUMENTS_CHARS);
    if (!fitting) continue;
    shown.set(name, fitting);
    chars += sizeOf(name, fitting);
  }
  // All of them one step deeper at a time, so that one that never ends leaves the others theirs.
  let open = [...shown.keys()];
  for (let depth = 1; depth <= MAX_DEPTH; depth++)
    open = open.filter(name => {
      const deeper = plain(name, depth);
      const growth = sizeOf(name, deeper) - sizeOf(name, shown.get(name)!);
      if (growth === 0 || parts.left <= 0 || chars + growth > shownChars) return false;
      shown.set(name, deeper);
      chars += growth;
      return true;
    });
  const kept = names.filter(name => shown.has(name));
  return objectOf(
    kept.map(name => [name, shown.get(name)!]),
    needed,
  );
}

const sizeOf = (name: string, schema: Schema): number => JSON.stringify({ [name]: schema }).length;

/** What is required is told first, since what is long may be cut. */
const objectOf = (properties: (readonly [string, Schema])[], required: string[]): PlainObject => ({
  type: 'object',
  ...(required.length > 0 && { required }),
  properties: Object.fromEntries(properties),
});

/** Where in a schema a part of it stands, and what there is left to look at. */
interface Inside {
  root: Schema;
  /** 0: only the type of it is shown. */
  depth: number;
  parts: { left: number };
  /** The properties of those around it: one that stands in itself is not shown again. */
  objects: unknown[];
}

function plainObject({ properties, required }: Schema, inside: Inside): PlainObject {
  const entries = Object.entries(isObject(properties) ? properties : {})
    .slice(0, Math.max(0, inside.parts.left))
    .filter(([name]) => isName(name));
  const wanted = new Set(Array.isArray(required) ? required : []);
  const plain = entries.map(([name, value]) => [name, plainValue(value, inside, !wanted.has(name))] as const);
  return objectOf(
    plain,
    entries.map(([name]) => name).filter(name => wanted.has(name)),
  );
}

/** {}: it may be anything. `isOptional`: it may be left out, which says as much as null. */
function plainValue(value: unknown, inside: Inside, isOptional = false): Schema {
  if (inside.parts.left-- <= 0) return {};
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
  around.parts.left--;
  const { type, items, properties, additionalProperties: others } = branch;
  const inside = { ...around, depth: around.depth - 1, objects: [...around.objects, properties] };
  const choices = 'const' in branch ? [branch.const] : branch.enum;
  const isChoice =
    Array.isArray(choices) &&
    choices.length > 0 &&
    choices.every(one => typeof one === 'string' && isName(one));
  if (isChoice) return { type: 'string', enum: choices };
  if (type === undefined) return {};
  if (around.depth === 0) return { type };
  if (type === 'array') return { type, ...(items !== undefined && { items: plainValue(items, inside) }) };
  if (type !== 'object') return { type };
  const isKnown = isObject(properties) && !around.objects.includes(properties);
  const more = isObject(others) ? plainValue(others, inside) : others === true;
  return {
    type,
    ...((isKnown || others === false) && plainObject(branch, inside)),
    ...(more !== false && { additionalProperties: more }),
  };
}

/** What the model must write letter by letter can't be shown to it in another form. */
const isName = (text: string): boolean => text.length <= NAME_CHARS && shownData(text) === text;
