/** The grammar of a request in the form that is compiled; refuses what is too large before anything is done with it. */
import { MoebiusError } from '../../base/errors.ts';
import { type GrammarParams, LIMITS } from '../../protocol/daemon.ts';
import type { ToolDialect } from '../tools/dialect.ts';
import type { GrammarSource } from './wire.ts';

/** Schemas inside schemas; the library follows them on a stack of 64 KiB. */
const MAX_DEPTH = 48;
/** Of all tools; not all of it becomes a part of the grammar, but all is looked at. */
const SCHEMAS_CHARS = 4 * LIMITS.grammarChars;

/** `dialect`: null for a model that wasn't taught to call tools. Throws `bad-request` or `unsupported`. */
export function grammarSource(grammar: GrammarParams, dialect: ToolDialect | null): GrammarSource {
  if (grammar.kind === 'ebnf') return { kind: 'ebnf', text: bounded(grammar.text) };
  if (grammar.kind === 'json-schema') return { kind: 'json-schema', text: jsonOf(grammar.schema) };
  if (!dialect) {
    throw new MoebiusError(
      'unsupported',
      "This model's chat template teaches no form of tool calls that this version knows.",
    );
  }
  const names = grammar.tools.map(tool => tool.name);
  const twice = names.find((name, i) => names.indexOf(name) !== i);
  if (twice !== undefined) throw new MoebiusError('bad-request', `Two tools have the name "${twice}".`);
  jsonOf(
    grammar.tools.map(({ parameters }) => parameters),
    SCHEMAS_CHARS,
  );
  const format = dialect.grammar(grammar.tools, grammar.choice === 'required');
  return { kind: 'structural-tag', text: jsonOf({ type: 'structural_tag', format }) };
}

function jsonOf(value: object, most?: number): string {
  // Before it is written out: the wire's JSON has no cycles, a caller in this process may.
  if (depthOf(value, MAX_DEPTH + 1) > MAX_DEPTH) {
    throw new MoebiusError('bad-request', `The grammar's schema is more than ${MAX_DEPTH} levels deep.`);
  }
  return bounded(JSON.stringify(value), most);
}

function bounded(text: string, most: number = LIMITS.grammarChars): string {
  if (text.length <= most) return text;
  throw new MoebiusError(
    'bad-request',
    `The grammar has ${text.length} characters; ${most} are the most that is compiled.`,
  );
}

/** Levels of `value`, counted up to `limit`. */
function depthOf(value: unknown, limit: number): number {
  if (typeof value !== 'object' || value === null || limit === 0) return 0;
  let deepest = 0;
  for (const child of Object.values(value)) deepest = Math.max(deepest, depthOf(child, limit - 1));
  return deepest + 1;
}
