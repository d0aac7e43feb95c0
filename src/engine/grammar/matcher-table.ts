/**
 * Compiled grammars and running matches over one vocabulary, on XGrammar (github.com/mlc-ai/xgrammar) in WebAssembly. It
 * precomputes what each state of a grammar allows: compiling is slow (seconds for large grammars), a mask then is quick.
 */
import {
  type CompiledGrammar,
  Grammar,
  GrammarCompiler,
  GrammarMatcher,
  type StructuralTagFormat,
  TokenizerInfo,
} from '@mlc-ai/web-xgrammar';
import type { GrammarSource, TokenMask, VocabularyArgs } from './wire.ts';

/** Compiled grammars that are kept, the last used ones: a conversation has one or two, an editor a few conversations. */
const KEPT = 8;
/**
 * JSON is written on one line, with a space behind commas and colons, as tool calls are in training. The library can allow
 * any whitespace, but then a weak model goes on with nothing else. -1: no indentation.
 */
const ONE_LINE: [boolean, number, [string, string]] = [false, -1, [', ', ': ']];

export class MatcherTable {
  readonly #compiler: GrammarCompiler;
  /** By kind and text; least recently used first. */
  readonly #compiled = new Map<string, CompiledGrammar>();
  readonly #matchers = new Map<number, GrammarMatcher>();

  private constructor(compiler: GrammarCompiler) {
    this.#compiler = compiler;
  }

  static async create({ pool, starts, ends, stopTokens }: VocabularyArgs): Promise<MatcherTable> {
    const tokens = Array.from(starts, (start, id) => pool.subarray(start, ends[id]));
    // The library's types know strings only; its binding takes bytes too, and tokens may hold parts of characters.
    const vocabulary = tokens as unknown as string[];
    const info = await TokenizerInfo.createTokenizerInfo(vocabulary, 'raw', false, tokens.length, [
      ...stopTokens,
    ]);
    // Its own cache has no bound.
    return new MatcherTable(await GrammarCompiler.createGrammarCompiler(info, false));
  }

  /** Throws whatever the library throws; see worker.ts for what it prints then. */
  async open(key: number, source: GrammarSource): Promise<TokenMask> {
    const matcher = await GrammarMatcher.createGrammarMatcher(await this.#compile(source));
    this.#matchers.set(key, matcher);
    return this.#mask(matcher);
  }

  async accept(key: number, token: number): Promise<TokenMask> {
    const matcher = this.#matchers.get(key);
    if (!matcher?.acceptToken(token)) throw new Error(`token ${token} does not fit the grammar`);
    return this.#mask(matcher);
  }

  close(key: number): void {
    this.#matchers.get(key)?.dispose();
    this.#matchers.delete(key);
  }

  async #compile(source: GrammarSource): Promise<CompiledGrammar> {
    const name = `${source.kind} ${source.text}`;
    const compiled = this.#compiled.get(name) ?? (await this.#compileNew(source));
    this.#compiled.delete(name);
    this.#compiled.set(name, compiled);
    for (const [oldest, grammar] of this.#compiled) {
      if (this.#compiled.size <= KEPT) break;
      grammar.dispose();
      this.#compiled.delete(oldest);
    }
    return compiled;
  }

  async #compileNew({ kind, text }: GrammarSource): Promise<CompiledGrammar> {
    if (kind === 'json-schema') return this.#compiler.compileJSONSchema(text, ...ONE_LINE);
    if (kind === 'ebnf') return this.#compiler.compileGrammar(text);
    const { format } = JSON.parse(text) as { format: StructuralTagFormat };
    return this.#compiler.compileStructuralTag(await withoutSchemas(format));
  }

  async #mask(matcher: GrammarMatcher): Promise<TokenMask> {
    return (await matcher.getNextTokenBitmask()) as TokenMask;
  }
}

/**
 * Every schema in a structural tag as the grammar that it means: there the library takes no word on whitespace, and does
 * not say what is wrong with one.
 */
async function withoutSchemas(format: StructuralTagFormat): Promise<StructuralTagFormat> {
  switch (format.type) {
    case 'json_schema': {
      const grammar = await Grammar.fromJSONSchema(JSON.stringify(format.json_schema), ...ONE_LINE);
      const text = grammar.toString();
      grammar.dispose();
      return { type: 'grammar', grammar: text };
    }
    case 'tag':
      return { ...format, content: await withoutSchemas(format.content) };
    case 'sequence':
    case 'or':
      return { ...format, elements: await all(format.elements) };
    case 'triggered_tags':
    case 'tags_with_separator':
      return { ...format, tags: (await all(format.tags)) as typeof format.tags };
    default:
      return format;
  }
}

const all = (formats: readonly StructuralTagFormat[]): Promise<StructuralTagFormat[]> =>
  Promise.all(formats.map(withoutSchemas));
