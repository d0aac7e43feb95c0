/** Exports that a file had and an answer forgot: who imports them would find nothing, and the message would not say why. */
import { definedName } from './region.ts';

const LIST = /^export\s*\{([^}]*)\}/gm;

/** `after`, with what it declares exported again where `before` exported it. */
export function withExports(before: string, after: string): string {
  const kept = new Set([...declaredExports(after), ...listedExports(after)]);
  const lost = new Set(declaredExports(before).filter(name => !kept.has(name)));
  if (lost.size === 0) return after;
  return after
    .split('\n')
    .map(line => (lost.has(topLevelName(line)) ? `export ${line}` : line))
    .join('\n');
}

/** '' for a line that declares nothing, or not for the whole file. */
const topLevelName = (line: string): string => (/^\s/.test(line) ? '' : (definedName(line) ?? ''));

const declaredExports = (text: string): string[] =>
  text.split('\n').flatMap(line => (/^export\s/.test(line) ? (definedName(line) ?? []) : []));

const listedExports = (text: string): string[] =>
  [...text.matchAll(LIST)].flatMap(([, names]) =>
    names!.split(',').map(name => name.trim().split(/\s+as\s+/)[0]!),
  );
