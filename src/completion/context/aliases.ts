/** What names in imports stand for by `baseUrl` and `paths` of a `tsconfig.json` or `jsconfig.json`. */
import { posix } from 'node:path';
import { parse } from 'jsonc-parser';

export interface PathAliases {
  /** Folder that every name may be below, relative to the root; null: none. */
  base: string | null;
  /** Pattern with at most one `*` -> paths relative to the root. */
  paths: ReadonlyMap<string, readonly string[]>;
}

/** Of the configuration `text` in `folder`; null where it says nothing of the kind. What it extends is not read. */
export function pathAliases(text: string, folder: string): PathAliases | null {
  const options: unknown = (parse(text) as { compilerOptions?: unknown } | undefined)?.compilerOptions;
  const { baseUrl, paths } = (options ?? {}) as { baseUrl?: unknown; paths?: unknown };
  const base = typeof baseUrl === 'string' ? posix.join(folder, baseUrl) : null;
  const entries = typeof paths === 'object' && paths !== null ? Object.entries(paths) : [];
  if (base === null && entries.length === 0) return null;
  const isText = (path: unknown): path is string => typeof path === 'string';
  return {
    base,
    paths: new Map(
      entries.map(([pattern, targets]) => [
        pattern,
        (Array.isArray(targets) ? targets : []).filter(isText).map(path => posix.join(base ?? folder, path)),
      ]),
    ),
  };
}

/** What `name` may stand for, the most special pattern first. */
export function aliased(name: string, { base, paths }: PathAliases): string[] {
  const found = [...paths].flatMap(([pattern, targets]) => {
    const [start, end] = pattern.split('*') as [string, string?];
    if (end === undefined) return name === pattern ? [{ length: Number.POSITIVE_INFINITY, targets }] : [];
    const isMatch = name.startsWith(start) && name.endsWith(end) && name.length >= start.length + end.length;
    const middle = name.slice(start.length, name.length - end.length);
    return isMatch
      ? [{ length: start.length, targets: targets.map(path => path.replace('*', () => middle)) }]
      : [];
  });
  const byPattern = found.sort((a, b) => b.length - a.length).flatMap(({ targets }) => targets);
  return base === null ? byPattern : [...byPattern, posix.join(base, name)];
}
