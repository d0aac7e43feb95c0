/** The grammars of tree-sitter, each loaded when a document of its language is first asked about. */
import { Language, Parser, type Tree } from 'web-tree-sitter';
import type { Syntax, SyntaxNode } from './syntax.ts';

/** By language id of the editor: the grammar's name in `tree-sitter-<name>.wasm`. */
const GRAMMARS: Readonly<Record<string, string>> = {
  c: 'cpp',
  cpp: 'cpp',
  csharp: 'c-sharp',
  go: 'go',
  java: 'java',
  javascript: 'javascript',
  javascriptreact: 'javascript',
  php: 'php',
  python: 'python',
  ruby: 'ruby',
  rust: 'rust',
  shellscript: 'bash',
  typescript: 'typescript',
  typescriptreact: 'tsx',
};
/** A keystroke waits no longer for a tree. What a cursor comes with, 15,000 characters, takes 3 to 10 ms. */
const PARSE_MS = 30;

export class Grammars implements Syntax {
  readonly #read: (file: string) => Promise<Uint8Array>;
  readonly #onFailure: (error: Error) => void;
  readonly #parseMs: number;
  #runtime: Promise<void> | undefined;
  readonly #loading = new Map<string, Promise<void>>();
  readonly #parsers = new Map<string, Parser>();
  /** What was parsed last: several rules ask about the same text. */
  #last: { parser: Parser; text: string; tree: Tree } | null = null;

  /** `read`: a file of the package by name, the grammars and `web-tree-sitter.wasm`. */
  constructor(
    read: (file: string) => Promise<Uint8Array>,
    onFailure: (error: Error) => void = () => {},
    parseMs = PARSE_MS,
  ) {
    this.#read = read;
    this.#onFailure = onFailure;
    this.#parseMs = parseMs;
  }

  /** Resolves when the language's grammar is there, if there is one. Never rejects: without it there are no trees. */
  load(languageId: string): Promise<void> {
    const grammar = Object.hasOwn(GRAMMARS, languageId) ? GRAMMARS[languageId]! : null;
    if (grammar === null) return Promise.resolve();
    let loading = this.#loading.get(grammar);
    if (!loading) {
      loading = this.#start(grammar).catch(this.#onFailure);
      this.#loading.set(grammar, loading);
    }
    return loading;
  }

  /** The same, for who waits as long as this for a tree. */
  within(parseMs: number): Syntax {
    return { read: (languageId, text, use) => this.read(languageId, text, use, parseMs) };
  }

  read<T>(languageId: string, text: string, use: (root: SyntaxNode) => T, parseMs = this.#parseMs): T | null {
    const parser = this.#parsers.get(GRAMMARS[languageId] ?? '');
    if (!parser) {
      void this.load(languageId);
      return null;
    }
    const tree = this.#parse(parser, text, parseMs);
    return tree && use(tree.rootNode);
  }

  #parse(parser: Parser, text: string, parseMs: number): Tree | null {
    if (this.#last?.parser === parser && this.#last.text === text) return this.#last.tree;
    const untilMs = performance.now() + parseMs;
    const tree = parser.parse(text, null, { progressCallback: () => performance.now() > untilMs });
    if (!tree) {
      parser.reset();
      return null;
    }
    this.#last?.tree.delete();
    this.#last = { parser, text, tree };
    return tree;
  }

  async #start(grammar: string): Promise<void> {
    this.#runtime ??= this.#read('web-tree-sitter.wasm').then(wasmBinary => Parser.init({ wasmBinary }));
    await this.#runtime;
    const language = await Language.load(await this.#read(`tree-sitter-${grammar}.wasm`));
    this.#parsers.set(grammar, new Parser().setLanguage(language));
  }
}
