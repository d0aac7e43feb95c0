/** Names of files that have to do with a file: what it imports, and its test or the file that it tests. */
import { posix } from 'node:path';
import { aliased, type PathAliases } from './aliases.ts';

const IMPORTS =
  /(?:\bfrom\s*|\bimport\s*\(?\s*|\brequire\s*\(\s*)["']([\w@~#./$-]+)["']|^\s*#include\s*"([\w./-]+)"/gm;
const PYTHON_IMPORTS = /^\s*(?:from\s+(\.*)([\w.]*)\s+import\s+\(?\s*(\w*)|import\s+([\w.]+))/gm;
const JAVA_IMPORTS = /^\s*import\s+(?:static\s+)?([\w.]+?)(?:\.\*)?\s*;/gm;
const JAVA_PACKAGE = /^\s*package\s+([\w.]+)\s*;/m;
const RUST_IMPORTS =
  /^\s*(?:pub(?:\([^)]*\))?\s+)?(?:mod\s+(\w+)\s*;|use\s+(crate|super|self)((?:::\w+)+))/gm;
/** What an import leaves out, most likely first. */
const EXTENSIONS = ['', '.ts', '.tsx', '.js', '.jsx', '.mjs', '.vue', '.svelte', '/index.ts', '/index.js'];
const TEST_MARK = /(?:\.(?:test|spec)|_test|Test)(?=\.\w+$)/;

/**
 * Paths that imports in `text` may mean, relative to the root of `path`, best guess first for each; of packages from
 * elsewhere there are none, or none that is there. `aliases`: what names that are not relative stand for.
 */
export function importedPaths(path: string, text: string, aliases: PathAliases | null = null): string[][] {
  const byExtension: Record<string, (path: string, text: string) => string[][]> = {
    '.py': pythonImports,
    '.pyi': pythonImports,
    '.ipynb': notebookImports,
    '.java': javaImports,
    '.rs': rustImports,
  };
  const special = byExtension[posix.extname(path)];
  return special ? special(path, text) : quotedImports(path, text, aliases);
}

function quotedImports(path: string, text: string, aliases: PathAliases | null): string[][] {
  const folder = posix.dirname(path);
  return [...text.matchAll(IMPORTS)].flatMap(([, name, header]) => {
    if (header !== undefined) return [[posix.join(folder, header)]];
    const isRelative = /^\.{1,2}\//.test(name!);
    const bases = isRelative ? [posix.join(folder, name!)] : aliases ? aliased(name!, aliases) : [];
    return bases.length > 0 ? [bases.flatMap(sourcesOf)] : [];
  });
}

/** TypeScript's own sources are imported by the name that they are compiled to. */
function sourcesOf(base: string): string[] {
  const plain = base.replace(/\.m?js$/, '');
  return [...new Set([...EXTENSIONS.map(extension => base + extension), `${plain}.ts`, `${plain}.tsx`])];
}

/** An absolute import is looked up from each folder above the file, the outermost last: where the packages begin is not said. */
function pythonImports(path: string, text: string): string[][] {
  const folder = posix.dirname(path);
  const found = [...text.matchAll(PYTHON_IMPORTS)].map(([, dots = '', from = '', first = '', plain = '']) => {
    const name = (plain || from).replaceAll('.', '/');
    const isRelative = dots !== '';
    const roots = isRelative ? [posix.join(folder, '../'.repeat(dots.length - 1))] : foldersAbove(folder);
    const guesses = roots.flatMap(root => modulePaths(posix.join(root, name), name === '' ? first : ''));
    return { isRelative, guesses };
  });
  // Relative ones are of this project; absolute ones are mostly of the library.
  return [...found.filter(each => each.isRelative), ...found.filter(each => !each.isRelative)].map(
    ({ guesses }) => guesses,
  );
}

/** `from . import first` means a module beside the file, and else what the package itself has. */
const modulePaths = (base: string, first: string): string[] => [
  ...(first === '' ? [`${base}.py`] : [posix.join(base, `${first}.py`)]),
  `${base}/__init__.py`,
];

function foldersAbove(folder: string): string[] {
  const parts = folder === '.' ? [] : folder.split('/');
  return [...parts.map((_, i) => parts.slice(0, parts.length - i).join('/')), '', 'src'];
}

/** Most are of Python. */
const notebookImports = (path: string, text: string): string[][] => [
  ...pythonImports(path, text),
  ...quotedImports(path, text, null),
];

/** The packages begin where this file's own one does. */
function javaImports(path: string, text: string): string[][] {
  const folder = posix.dirname(path);
  const own = JAVA_PACKAGE.exec(text)?.[1]?.replaceAll('.', '/') ?? '';
  if (!`/${folder}`.endsWith(own === '' ? '' : `/${own}`)) return [];
  const root = folder.slice(0, folder.length - own.length);
  return [...text.matchAll(JAVA_IMPORTS)].map(([, name]) => [
    posix.join(root, `${name!.replaceAll('.', '/')}.java`),
  ]);
}

/** Modules of the same crate; the last names of a path may be of things in a module. */
function rustImports(path: string, text: string): string[][] {
  const folder = posix.dirname(path);
  const stem = posix.basename(path, '.rs');
  const isRoot = stem === 'mod' || stem === 'lib' || stem === 'main';
  const inside = isRoot ? folder : posix.join(folder, stem);
  const src = /^(?:.*\/)?src(?=\/|$)/.exec(folder)?.[0] ?? folder;
  const starts = { crate: src, self: inside, super: isRoot ? posix.dirname(folder) : folder };
  return [...text.matchAll(RUST_IMPORTS)].map(([, module, start, rest]) => {
    if (module !== undefined) return rustModule(posix.join(inside, module));
    const names = rest!.slice(2).split('::');
    const base = starts[start as keyof typeof starts];
    return names.flatMap((_, i) => rustModule(posix.join(base, ...names.slice(0, names.length - i))));
  });
}

const rustModule = (base: string): string[] => [`${base}.rs`, `${base}/mod.rs`];

/** The test of a file in the same folder, or what a test there tests. */
export function counterparts(path: string): string[] {
  const { dir, name, ext } = posix.parse(path);
  const at = (file: string) => posix.join(dir, file);
  if (TEST_MARK.test(path)) return [path.replace(TEST_MARK, '')];
  if (/^test_/.test(name)) return [at(`${name.slice(5)}${ext}`)];
  return [`${name}.test${ext}`, `${name}.spec${ext}`, `${name}_test${ext}`, `test_${name}${ext}`].map(at);
}
