/** Which brackets a piece of code opens and closes, without a grammar: strings and comments are taken out by pattern. */

const CLOSER: Readonly<Record<string, string>> = { '(': ')', '[': ']', '{': '}' };
/** Languages in which `#` begins a comment. Elsewhere it is a colour, a preprocessor line or a private name. */
const HASH_COMMENTS =
  /^(?:python|ruby|shellscript|yaml|toml|perl|r|julia|elixir|dockerfile|makefile|coffeescript)$/;
const DASH_COMMENTS = /^(?:sql|lua|haskell|elm|ada)$/;
/** Languages whose `'` also marks something that no second `'` ends: lifetimes, primes, type variables. */
const SINGLE_CHAR_LITERALS = /^(?:rust|haskell|fsharp|ocaml|elm)$/;

/** Languages in which a backtick begins a text of several lines. Elsewhere it quotes a name, or marks something that no second one ends. */
const TEMPLATES = /^(?:java|type)script/;
const RAW_STRINGS = /^go$/;

const STRINGS = /"""[\s\S]*?"""|'''[\s\S]*?'''|"(?:\\.|[^"\\\n])*"/;
const SLASH_COMMENTS = /\/\*[\s\S]*?\*\/|\/\/[^\n]*/;

/** Matches strings and comments that have an end, one after the other. */
export function wordsOf(languageId: string): RegExp {
  const single = SINGLE_CHAR_LITERALS.test(languageId) ? /'(?:\\.|[^'\\\n])'/ : /'(?:\\.|[^'\\\n])*'/;
  const comment = lineComment(languageId);
  const comments = comment === '//' ? SLASH_COMMENTS : new RegExp(`${comment}[^\\n]*`);
  return new RegExp(
    [comments, STRINGS, backticks(languageId), single].map(({ source }) => source).join('|'),
    'g',
  );
}

function backticks(languageId: string): RegExp {
  if (RAW_STRINGS.test(languageId)) return /`[^`]*`/;
  return TEMPLATES.test(languageId) ? /`(?:\\[\s\S]|[^`\\])*`/ : /`(?:\\.|[^`\\\n])*`/;
}

/** `text` without its strings and comments; what an unfinished one holds stays. */
export const codeOnly = (text: string, languageId: string): string => text.replace(wordsOf(languageId), '');

/** What begins a comment that ends with its line. */
export const lineComment = (languageId: string): '#' | '--' | '//' =>
  HASH_COMMENTS.test(languageId) ? '#' : DASH_COMMENTS.test(languageId) ? '--' : '//';

export interface Brackets {
  /** Closers that are awaited at the end, innermost last. */
  awaited: string[];
  /** Closers of what was open before the text began, in order. */
  outer: string[];
}

export function bracketsOf(text: string, languageId: string): Brackets {
  const awaited: string[] = [];
  const outer: string[] = [];
  for (const char of codeOnly(text, languageId)) {
    if (CLOSER[char]) awaited.push(CLOSER[char]);
    else if (')]}'.includes(char)) {
      if (awaited.length === 0) outer.push(char);
      else if (awaited.at(-1) === char) awaited.pop();
    }
  }
  return { awaited, outer };
}

/** Every bracket that `text` opens it closes, and no other. */
export function isBalanced(text: string, languageId: string): boolean {
  const { awaited, outer } = bracketsOf(text, languageId);
  return awaited.length === 0 && outer.length === 0;
}
