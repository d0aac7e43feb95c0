/** The JSON object at the start of a text by a model that may have got it slightly wrong. */
import { jsonrepair } from 'jsonrepair';

export type JsonReading =
  | { kind: 'object'; value: Record<string, unknown> }
  | { kind: 'cut' }
  | { kind: 'malformed' };

/**
 * `isWhole`: nothing is missing at the end, so absent brackets were forgotten, not cut off. A string without its end is
 * never mended: the rest of what it should say is unknown.
 */
export function readJsonObject(text: string, isWhole: boolean): JsonReading {
  const { end, isInString } = scan(text);
  if (isInString) return { kind: 'cut' };
  if (end === null && !isWhole) return { kind: 'cut' };
  const json = text.slice(0, end ?? undefined);
  for (const read of [JSON.parse, (broken: string) => JSON.parse(jsonrepair(broken))]) {
    try {
      const value: unknown = read(json);
      if (typeof value === 'object' && value !== null && !Array.isArray(value))
        return { kind: 'object', value: value as Record<string, unknown> };
    } catch {
      // The next way may do.
    }
  }
  return { kind: 'malformed' };
}

/** Of a list with an object in it. */
const OPENING = /^\s*(?:\[\s*(?=\{))?/;
/** What stands between two objects: they come one behind the other, in a list, or with the marker that begins a call before each. */
const BETWEEN = /[\s,}\]]*(?:<tool_call>\s*)?(?=\{)/y;

/** The objects of a text that begins with one, or with a list of them; what is behind them stays with the last. */
export function objectTexts(text: string): string[] {
  const texts: string[] = [];
  let from = OPENING.exec(text)![0].length;
  for (;;) {
    const rest = text.slice(from);
    const { end } = scan(rest);
    BETWEEN.lastIndex = end ?? 0;
    const between = end === null ? null : BETWEEN.exec(rest);
    if (!between) return [...texts, rest];
    texts.push(rest.slice(0, end!));
    from += BETWEEN.lastIndex;
  }
}

/** What stands behind the object of one of these texts, if there is the beginning of another in it: of that nothing is read. */
export function unreadBehind(text: string): string | null {
  const { end } = scan(text);
  const rest = end === null ? '' : text.slice(end).trim();
  return rest.includes('{') ? rest : null;
}

/** Where the first bracket is closed again, or null; whether the text ends inside a string. */
export function scan(text: string): { end: number | null; isInString: boolean } {
  let depth = 0;
  let isInString = false;
  for (let i = 0; i < text.length; i++) {
    const char = text[i]!;
    if (isInString) {
      if (char === '\\') i++;
      else if (char === '"') isInString = false;
    } else if (char === '"') isInString = true;
    else if (char === '{' || char === '[') depth++;
    else if ((char === '}' || char === ']') && --depth === 0) return { end: i + 1, isInString: false };
  }
  return { end: null, isInString };
}
