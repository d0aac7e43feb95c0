/** What counts of a raw answer. */

/** Up to the first line (after the first) that is not indented: the end of a function's body. */
export function functionBody(text: string): string {
  const lines = text.split('\n');
  const end = lines.findIndex((line, i) => i > 0 && /^\S/.test(line));
  return (end < 0 ? lines : lines.slice(0, end)).join('\n');
}

export const firstLine = (text: string): string => `${text.split('\n', 1)[0]}\n`;

/** Up to the first of `stops`. */
export function beforeStop(text: string, stops: readonly string[]): string {
  const found = stops.map(stop => text.indexOf(stop)).filter(at => at >= 0);
  return found.length ? text.slice(0, Math.min(...found)) : text;
}

/** Content of the first fenced code block; the whole text when there is none, to its end when it is not closed. */
export function codeBlock(text: string): string {
  const open = /^[ \t]*```[^\n]*\n/m.exec(text);
  if (!open) return text;
  const body = text.slice(open.index + open[0].length);
  const close = /^[ \t]*```/m.exec(body);
  return close ? body.slice(0, close.index) : body;
}

/** `count` of `items`, evenly spread, always the same. */
export function everyNth<T>(items: readonly T[], count: number): T[] {
  if (count >= items.length) return [...items];
  return Array.from({ length: count }, (_, i) => items[Math.floor((i * items.length) / count)]!);
}
