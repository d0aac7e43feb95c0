/** What the grammars say of a file that is only known by its path. */
import { type Fault, faultsOf } from './faults.ts';
import type { Grammars } from './grammars.ts';

/** Extension -> language id of the editor. Without C and C++: a file with macros that compiles is seldom one that parses. */
const LANGUAGE_IDS: Readonly<Record<string, string>> = {
  ...{ js: 'javascript', cjs: 'javascript', mjs: 'javascript', jsx: 'javascriptreact' },
  ...{ ts: 'typescript', cts: 'typescript', mts: 'typescript', tsx: 'typescriptreact' },
  ...{
    cs: 'csharp',
    go: 'go',
    java: 'java',
    php: 'php',
    py: 'python',
    pyi: 'python',
    rb: 'ruby',
    rs: 'rust',
  },
  ...{ bash: 'shellscript', sh: 'shellscript' },
};
/** Nobody types meanwhile, but an editor stands still: a text of half a million characters. */
const PARSE_MS = 300;

export class FileFaults {
  readonly #grammars: Grammars;
  readonly #parseMs: number;

  constructor(grammars: Grammars, parseMs = PARSE_MS) {
    this.#grammars = grammars;
    this.#parseMs = parseMs;
  }

  /** Where `text`, as the content of the file at `path`, can't be parsed; null: that can't be told. */
  async faults(path: string, text: string): Promise<Fault[] | null> {
    const extension = /\.(\w+)$/.exec(path)?.[1]?.toLowerCase() ?? '';
    const languageId = Object.hasOwn(LANGUAGE_IDS, extension) ? LANGUAGE_IDS[extension]! : null;
    if (languageId === null) return null;
    await this.#grammars.load(languageId);
    return this.#grammars
      .within(this.#parseMs)
      .read(languageId, text, root => faultsOf(languageId, root, text));
  }
}
