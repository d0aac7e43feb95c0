/** Lists in brackets, of parameters or arguments: where they end and where they are divided. Strings are passed over. */

export interface Piece {
  text: string;
  /** White space before and after it; after the last one also a comma that divides nothing. */
  lead: string;
  trail: string;
}

const OPEN = '([{';
const CLOSE = ')]}';
const STRING = /"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'|`(?:\\.|[^`\\])*`/y;
/** No list that a person wrote is longer. */
const LONGEST = 10_000;

/** Offset of the bracket that closes the one at `open`; null if none does. */
export function closerOf(text: string, open: number): number | null {
  let depth = 0;
  for (let i = open; i < text.length && i - open < LONGEST; i++) {
    i = endOfString(text, i);
    const char = text[i]!;
    if (OPEN.includes(char)) depth++;
    else if (CLOSE.includes(char) && --depth === 0) return i;
  }
  return null;
}

/** `list` at its own commas; with `types` those between angle brackets are not its own. */
export function splitList(list: string, kind: 'values' | 'types' = 'values'): Piece[] {
  const [open, close] = kind === 'types' ? [`${OPEN}<`, `${CLOSE}>`] : [OPEN, CLOSE];
  const parts: string[] = [];
  let depth = 0;
  let from = 0;
  for (let i = 0; i < list.length; i++) {
    const start = i;
    i = endOfString(list, i);
    if (i > start) continue;
    const char = list[i]!;
    if (open.includes(char)) depth++;
    else if (close.includes(char) && !/[=-]/.test(char === '>' ? (list[i - 1] ?? '') : '')) depth--;
    else if (char === ',' && depth === 0) {
      parts.push(list.slice(from, i));
      from = i + 1;
    }
  }
  parts.push(list.slice(from));
  const end = parts.at(-1)!.trim() === '' ? `,${parts.pop()}` : '';
  return parts.map((part, i) => {
    const text = part.trim();
    const lead = part.slice(0, part.length - part.trimStart().length);
    const trail = part.slice(lead.length + text.length);
    return { text, lead, trail: i === parts.length - 1 ? trail + end : trail };
  });
}

/** Offset of the last character of the string that begins at `at`; `at` where none does. */
function endOfString(text: string, at: number): number {
  STRING.lastIndex = at;
  const found = STRING.exec(text);
  return found ? at + found[0].length - 1 : at;
}
