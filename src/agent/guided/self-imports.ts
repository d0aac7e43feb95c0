/** Imports of a file from itself: how a small model gets around writing what it is to write. */
import { definedName } from './region.ts';
import { importsItself } from './source-paths.ts';

/** Whole statements, which may go over several lines; the names in the first group. */
const IMPORTS: readonly RegExp[] = [
  /^import\s+([^;'"]*?)\s*from\s*['"][^'"\n]+['"];?[ \t]*(?:\n|$)/gm,
  /^(?:const|let|var)\s+([^;='"]*?)\s*=\s*require\(\s*['"][^'"\n]+['"]\s*\);?[ \t]*(?:\n|$)/gm,
  /^from\s+[.\w]+\s+import\s+(\([^)]*\)|[^\n(]*)(?:\n|$)/gm,
];

/**
 * `code`, an answer for `path`, without them; `missing`: what it imported so and does not define. `before`: the file as it was. Only
 * names that it defines count: `from types import X` in a file `types.py` means another module.
 */
export function withoutSelfImports(
  code: string,
  path: string,
  before: string,
): { code: string; missing: string[] } {
  const own = namesDefinedIn(before);
  const imported = new Set<string>();
  let kept = code;
  for (const pattern of IMPORTS)
    kept = kept.replace(pattern, (statement: string, list: string) => {
      const names = (list.match(/[A-Za-z_$][\w$]*/g) ?? []).filter(name => own.has(name));
      if (names.length === 0 || !importsItself(path, statement)) return statement;
      for (const name of names) imported.add(name);
      return '';
    });
  const written = namesDefinedIn(kept);
  return { code: kept, missing: [...imported].filter(name => !written.has(name)) };
}

const namesDefinedIn = (text: string): Set<string> =>
  new Set(text.split('\n').flatMap(line => (/^\s/.test(line) ? [] : (definedName(line) ?? []))));
