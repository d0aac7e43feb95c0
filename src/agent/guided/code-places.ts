/** Which parts of a text are code: neither comment nor string. Told from the text alone, for the languages that look like C or Python. */
import { languageOf } from './source-paths.ts';

/** Their single quotes hold one character, or stand before a lifetime. */
const CHARACTERS = new Set(['c', 'cpp', 'java', 'kotlin', 'csharp', 'go', 'rust', 'scala', 'swift']);
const HASHED = new Set(['python', 'ruby', 'bash', 'elixir']);

const DOUBLE = String.raw`"(?:\\.|[^"\\\n])*"`;
const SINGLE = String.raw`'(?:\\.|[^'\\\n])*'`;
const CHARACTER = String.raw`'(?:\\[^'\n]*|[^'\\\n])'`;
const BLOCK = String.raw`//[^\n]*|/\*[\s\S]*?\*/`;
const TEMPLATE = '`(?:\\\\[\\s\\S]|[^`\\\\])*`';
/** Where a slash can't divide. */
const REGEXP = String.raw`(?<=(?:[=(,:;!&|?{}[]|\breturn|=>)\s*)/(?![*/])(?:\\.|\[(?:\\.|[^\]\\\n])*\]|[^/\\\n])+/[a-z]*`;
const HASH = String.raw`#[^\n]*|[A-Za-z]{0,2}(?:"""[\s\S]*?"""|'''[\s\S]*?'''|${DOUBLE}|${SINGLE})`;

const pattern = (...parts: string[]): RegExp => new RegExp(parts.join('|'), 'g');
const LIKE_PYTHON = pattern(HASH);
const LIKE_C = pattern(BLOCK, DOUBLE, CHARACTER);
const LIKE_JAVASCRIPT = pattern(BLOCK, REGEXP, TEMPLATE, DOUBLE, SINGLE);

/** Code within a string: `${...}` of a template, `{...}` of a Python f-string. Braces in them are not looked into. */
const IN_TEMPLATE = /(?<=\$\{)[^{}]*(?=\})/g;
const IN_FORMAT = /(?<=(?<!\{)\{)[^{}]*(?=\})/g;

/**
 * Where `name` stands in `text` as a name of the code of `path`'s language: offsets (UTF-16 units), ascending.
 * What is within a string or a comment is no place, but for code that a string is made with.
 */
export function placesOf(name: string, text: string, path: string): number[] {
  const code = codeOf(text, languageOf(path));
  const word = new RegExp(`(?<![\\w$])${name.replaceAll('$', '\\$')}(?![\\w$])`, 'g');
  return [...code.matchAll(word)].map(match => match.index);
}

/** `text` with blanks for what is no code. */
function codeOf(text: string, language: string): string {
  const literals = HASHED.has(language) ? LIKE_PYTHON : CHARACTERS.has(language) ? LIKE_C : LIKE_JAVASCRIPT;
  return text.replace(literals, literal => {
    const inner = literal.startsWith('`')
      ? IN_TEMPLATE
      : /^[a-z]*f[a-z]*["']/i.test(literal)
        ? IN_FORMAT
        : null;
    return inner ? onlyMatches(literal, inner) : ' '.repeat(literal.length);
  });
}

function onlyMatches(text: string, inner: RegExp): string {
  let kept = '';
  for (const { index, 0: code } of text.matchAll(inner)) kept += ' '.repeat(index - kept.length) + code;
  return kept + ' '.repeat(text.length - kept.length);
}
