/** Names of files that have to do with a file: what it imports, and its test or the file that it tests. */
import { posix } from 'node:path';

const IMPORTS =
  /(?:\bfrom\s*|\bimport\s*\(?\s*|\brequire\s*\(\s*|^\s*#include\s*)["'](\.{1,2}\/[^"'\n]+|[\w./-]+\.h(?:pp)?)["']/gm;
const PYTHON_IMPORTS = /^\s*from\s+(\.+)([\w.]*)\s+import\b/gm;
/** What an import leaves out, most likely first. */
const EXTENSIONS = ['', '.ts', '.tsx', '.js', '.jsx', '.mjs', '.vue', '.svelte', '/index.ts', '/index.js'];
const TEST_MARK = /(?:\.(?:test|spec)|_test|Test)(?=\.\w+$)/;

/** Paths that relative imports in `text` may mean, relative to the root of `path`, best guess first for each. */
export function importedPaths(path: string, text: string): string[][] {
  const folder = posix.dirname(path);
  const imports = [...text.matchAll(IMPORTS)].map(([, name]) => {
    const base = posix.join(folder, name!);
    // TypeScript's own sources are imported by the name that they are compiled to.
    const plain = base.replace(/\.m?js$/, '');
    return [...new Set([...EXTENSIONS.map(extension => base + extension), `${plain}.ts`, `${plain}.tsx`])];
  });
  const python = [...text.matchAll(PYTHON_IMPORTS)].map(([, dots, name]) => {
    const up = '../'.repeat(dots!.length - 1);
    const base = posix.join(folder, up, name!.replaceAll('.', '/'));
    return [`${base}.py`, `${base}/__init__.py`];
  });
  return [...imports, ...python];
}

/** The test of a file in the same folder, or what a test there tests. */
export function counterparts(path: string): string[] {
  const { dir, name, ext } = posix.parse(path);
  const at = (file: string) => posix.join(dir, file);
  if (TEST_MARK.test(path)) return [path.replace(TEST_MARK, '')];
  if (/^test_/.test(name)) return [at(`${name.slice(5)}${ext}`)];
  return [`${name}.test${ext}`, `${name}.spec${ext}`, `${name}_test${ext}`, `test_${name}${ext}`].map(at);
}
