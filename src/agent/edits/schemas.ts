/**
 * Addresses that an editor fetches to check a file: a question to them tells their owner what stands in it. All is linear in the
 * text, which may be hostile: no expression here can match a place in two ways.
 */

const KEY = '$schema';
/** In XML, and what ends each. */
const XML = /\bschemaLocation\b|\bnoNamespaceSchemaLocation\b|<\?xml-model\b|<!DOCTYPE\b/g;
/** Of TOML, for Taplo. */
const TOML = /^[ \t]*#:schema[ \t]+(\S+)/gm;
/** What stands between a key and its address, and behind it, is looked at up to here; an address is shorter. */
const WINDOW_CHARS = 1000;
/** No file has more of them by chance. */
const MOST_PLACES = 500;

/** Whether `after` names one that `before` does not, or more than can be looked at. */
export function addsSchema(before: string, after: string): boolean {
  const found = schemasIn(after);
  if (found === null) return true;
  if (found.length === 0) return false;
  const known = new Set(schemasIn(before));
  return found.some(address => !known.has(address));
}

/** null: too many, or one that is not seen in whole. */
function schemasIn(text: string): string[] | null {
  const plain = unescaped(text);
  const found = [...plain.matchAll(TOML)].map(match => match[1]!);
  let places = 0;
  for (let at = plain.indexOf(KEY); at >= 0; at = plain.indexOf(KEY, at + 1)) {
    if (++places > MOST_PLACES) return null;
    const address = valueIn(plain.slice(at + KEY.length, at + KEY.length + WINDOW_CHARS));
    if (address === undefined) return null;
    if (address !== null) found.push(address);
  }
  for (const { 0: name, index } of plain.matchAll(XML)) {
    if (++places > MOST_PLACES) return null;
    const part = xmlPart(name, plain.slice(index, index + WINDOW_CHARS));
    if (part.length === WINDOW_CHARS) return null;
    found.push(...addressesIn(part));
  }
  return found;
}

/** What JSON and XML write in another way. */
const unescaped = (text: string): string =>
  text
    .replace(/\\u([0-9a-f]{4})/gi, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)))
    .replace(/&#(?:x([0-9a-f]{1,5})|(\d{1,6}));/gi, (_, hex?: string, decimal?: string) =>
      String.fromCodePoint(hex === undefined ? Number(decimal) : Number.parseInt(hex, 16)),
    )
    .replaceAll('\\/', '/');

/**
 * The address behind the key: `": "https://..."`, `=https://...`; comments of JSON may stand between. null: there is none; undefined:
 * it does not end here.
 */
function valueIn(rest: string): string | null | undefined {
  let at = /^["']/.test(rest) ? 1 : 0;
  at = afterComments(rest, at);
  if (at === WINDOW_CHARS) return undefined;
  if (rest[at] !== ':' && rest[at] !== '=') return null;
  at = afterComments(rest, at + 1);
  const [begun, value] = /^["']?([^\s"']*)/.exec(rest.slice(at)) as unknown as [string, string];
  if (at + begun.length === WINDOW_CHARS) return undefined;
  return ADDRESS.test(value) ? value : null;
}

const ADDRESS = /^[a-z][a-z0-9+.-]*:\/\//i;

function afterComments(text: string, from: number): number {
  let at = from;
  for (;;) {
    while (/\s/.test(text[at] ?? '')) at++;
    const end = text.startsWith('/*', at) ? '*/' : text.startsWith('//', at) ? '\n' : null;
    if (end === null) return at;
    const found = text.indexOf(end, at + 2);
    if (found < 0) return text.length;
    at = found + end.length;
  }
}

/** A declaration may have a part in brackets, with `>` in it. */
function xmlPart(name: string, text: string): string {
  const bracket = text.indexOf('[');
  const close = text.indexOf('>');
  const isDeclared = name === '<!DOCTYPE' && bracket >= 0 && bracket < close;
  const end = isDeclared ? text.indexOf(']>') : close;
  return end < 0 ? text : text.slice(0, end);
}

const addressesIn = (text: string): string[] => text.split(/[\s"'<>=]+/).filter(word => ADDRESS.test(word));
