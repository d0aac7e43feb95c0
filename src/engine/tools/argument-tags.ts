/**
 * Arguments that stand in tags, a pair for each: strings as they are, which suits code, everything else as JSON. So a value's
 * type is known from the tool's schema only.
 */
import type { StructuralTagFormat } from '@mlc-ai/web-xgrammar';
import { jsonrepair } from 'jsonrepair';
import { MoebiusError } from '../../base/errors.ts';
import { branchesOf, isObject, membersIn, referred, type Schema, typesIn } from '../../base/json-schema.ts';
import { LIMITS, type ToolDefinition } from '../../protocol/daemon.ts';
import { fits, parsedOr } from './read-call.ts';
import { scan } from './tolerant-json.ts';

/** What is left of the grammar's size for schemas: an argument takes along what it refers to. */
interface SchemaRoom {
  chars: number;
}

/** An empty constant is refused by the library, an empty rule is not. */
const NOTHING: StructuralTagFormat = { type: 'grammar', grammar: 'root ::= ""' };
/** Models of one dialect differ in where they break lines. */
export const LINE_END: StructuralTagFormat = { type: 'grammar', grammar: 'root ::= "\\n"?' };

/** Every argument in the schema's order, the optional ones or not; `pair` puts the tags around a value. Throws `bad-request`. */
export function taggedArguments(
  tool: ToolDefinition,
  pair: (key: string, value: StructuralTagFormat) => StructuralTagFormat,
): StructuralTagFormat {
  const { properties, required } = membersIn(tool.parameters, tool.parameters);
  if (Object.keys(properties).length === 0) return NOTHING;
  const room = { chars: LIMITS.grammarChars };
  const elements = Object.entries(properties).map(([key, schema]): StructuralTagFormat => {
    const tagged = pair(key, valueFormat(schema, tool.parameters, room));
    return required.includes(key) ? tagged : { type: 'or', elements: [NOTHING, tagged] };
  });
  return { type: 'sequence', elements };
}

function valueFormat(schema: unknown, root: Schema, room: SchemaRoom): StructuralTagFormat {
  const branches = branchesOf(schema, root);
  const types = typesIn(schema, root);
  const choices = choicesOf(branches);
  if (choices) {
    const texts = choices.map(value => (typeof value === 'string' ? value : JSON.stringify(value)));
    return {
      type: 'or',
      elements: texts.map(text => (text === '' ? NOTHING : { type: 'const_string', value: text })),
    };
  }
  if (isText(types)) return { type: 'any_text' };
  const words = types.flatMap(type => PYTHON_WORDS[type] ?? []);
  const json: StructuralTagFormat = { type: 'json_schema', json_schema: schemaOf(branches, root, room) };
  if (words.length === 0) return json;
  return { type: 'or', elements: [json, ...words.map(value => ({ type: 'const_string', value }) as const)] };
}

/** The fixed values that a value is one of; null where a branch leaves it open. */
function choicesOf(branches: readonly Schema[]): unknown[] | null {
  const choices = branches.map(branch => {
    if ('const' in branch) return [branch.const];
    if (Array.isArray(branch.enum)) return branch.enum;
    return branch.type === 'null' ? [null] : null;
  });
  return choices.includes(null) ? null : [...new Set(choices.flat())];
}

/** A schema of its own, which references are followed in: it has what they name in `root`, and only that, since the rest may be long. */
function schemaOf(branches: readonly Schema[], root: Schema, room: SchemaRoom): Schema {
  const named = new Map<unknown, string>();
  function reference(ref: unknown): unknown {
    const target = typeof ref === 'string' ? referred(ref, root) : undefined;
    // Of one to nothing the library tells.
    if (target === undefined) return copied(ref);
    if (!named.has(target)) named.set(target, `d${named.size}`);
    return `#/$defs/${named.get(target)}`;
  }
  function copied(value: unknown): unknown {
    take(room, typeof value === 'string' ? value : '');
    if (Array.isArray(value)) return value.map(copied);
    if (!isObject(value)) return value;
    const entries = Object.entries(value).map(([key, inner]) => {
      take(room, key);
      return [key, key === '$ref' ? reference(inner) : copied(inner)];
    });
    return Object.fromEntries(entries);
  }
  const schema = copied(branches.length === 1 ? branches[0] : { anyOf: branches }) as Schema;
  if (named.size === 0) return schema;
  const $defs: Record<string, unknown> = {};
  // What one refers to itself is named while this goes on.
  for (const [target, name] of named) $defs[name] = copied(target);
  return { ...schema, $defs };
}

function take(room: SchemaRoom, text: string): void {
  room.chars -= text.length + 1;
  if (room.chars >= 0) return;
  const most = `${LIMITS.grammarChars} characters are the most that is compiled`;
  throw new MoebiusError('bad-request', `The grammar of a tool's arguments is too long; ${most}.`);
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
  if (isText(types)) return unionValue(text, word, types);
  if (types.includes('boolean') && PYTHON_WORDS.boolean!.includes(word)) return word === 'True';
  const value = parsedOr(word, undefined);
  return value === undefined ? mended(word, text) : value;
}

/** Where other types than strings are allowed too: what is JSON of one of those is meant as that, but for a number that would change. */
function unionValue(text: string, word: string, types: readonly string[]): unknown {
  const others = types.filter(type => type !== 'string' && type !== 'null');
  if (others.length === 0) return text;
  const value = parsedOr(word, text);
  return fits(value, others) && (typeof value !== 'number' || String(value) === word) ? value : text;
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

/**
 * A value with the arguments that follow in it where its end is forgotten: `begin` is what begins one, its group the key, and
 * `isMissing` tells whether that is wanted.
 */
export function parted(
  key: string,
  value: string,
  begin: RegExp,
  isMissing: (key: string) => boolean,
): [string, string][] {
  const parts: [string, string][] = [[key, value]];
  let from = 0;
  for (const { 0: tag, 1: next = '', index } of value.matchAll(begin)) {
    if (!isMissing(next) || parts.some(([known]) => known === next)) continue;
    parts.at(-1)![1] = value.slice(from, index);
    from = index + tag.length;
    parts.push([next, value.slice(from)]);
  }
  return parts;
}

/** Whether a value of these types stands as it is, and is no JSON. */
const isText = (types: readonly string[]): boolean => types.length === 0 || types.includes('string');
