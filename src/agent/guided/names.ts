/** Names that a text uses, for looking up where they are defined. */

const COMMON = new Set(
  (
    'the and for with from this that self true false null none undefined return function const let var def class import export async await ' +
    'new not int str bool float list dict string number boolean void any object array error type value test tests assert equal describe ' +
    'expect file line code fix make add use when where which should must fails failing print console log'
  ).split(' '),
);

const wordsIn = (text: string): string[] => text.match(/[A-Za-z_$][\w$]{2,}/g) ?? [];

/** Identifiers of `text` that may be names of the project, each once, in their order. */
export const namesIn = (text: string): string[] =>
  [...new Set(wordsIn(text))].filter(word => !COMMON.has(word.toLowerCase()));

/** Words of prose that are names beyond doubt, however common: in backticks, called, or written as only code is. */
export function codeNamesIn(prose: string): string[] {
  const quoted = [...prose.matchAll(/`([^`\n]+)`|['"]([A-Za-z_$][\w$]*)['"]/g)].flatMap(m =>
    wordsIn(m[1] ?? m[2]!),
  );
  const called = [...prose.matchAll(/\b([A-Za-z_$][\w$]{2,})\s*\(/g)].map(m => m[1]!);
  const shaped = prose.match(/\b(?:[a-z]+[A-Z]\w*|[A-Z][a-z]+[A-Z]\w*|[a-z]+_\w+)\b/g) ?? [];
  return [...new Set([...quoted, ...called, ...shaped])];
}
