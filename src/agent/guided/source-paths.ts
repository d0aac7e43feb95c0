/** What a path says about a file: its language, whether it is a test, what it may be imported as. */

const LANGUAGES: Readonly<Record<string, string>> = {
  ts: 'ts',
  mts: 'ts',
  cts: 'ts',
  tsx: 'tsx',
  js: 'js',
  mjs: 'js',
  cjs: 'js',
  jsx: 'jsx',
  py: 'python',
  rb: 'ruby',
  rs: 'rust',
  go: 'go',
  java: 'java',
  kt: 'kotlin',
  cs: 'csharp',
  c: 'c',
  h: 'c',
  cpp: 'cpp',
  cc: 'cpp',
  hpp: 'cpp',
  php: 'php',
  swift: 'swift',
  scala: 'scala',
  lua: 'lua',
  sh: 'bash',
  vue: 'vue',
  svelte: 'svelte',
  dart: 'dart',
  ex: 'elixir',
  exs: 'elixir',
};

const extensionOf = (path: string): string => /\.(\w+)$/.exec(path)?.[1]?.toLowerCase() ?? '';

/** The tag of a fenced block. */
export const languageOf = (path: string): string => LANGUAGES[extensionOf(path)] ?? extensionOf(path);
const HASH = new Set(['python', 'ruby', 'bash', 'elixir']);
/** What a comment at the end of a line begins with. */
export function commentSign(path: string): string {
  const language = languageOf(path);
  return HASH.has(language) ? '#' : language === 'lua' ? '--' : '//';
}
export const isCode = (path: string): boolean => extensionOf(path) in LANGUAGES;
export const baseName = (path: string): string => path.slice(path.lastIndexOf('/') + 1);

const TEST = /(?:^|\/)(?:tests?|__tests__|specs?)\/|[._-](?:test|spec)s?\.\w+$|(?:^|\/)(?:test|spec)_[^/]+$/i;
export const isTest = (path: string): boolean => TEST.test(path);

const IMPORTS: RegExp[] = [
  /(?:\bfrom\s+|\bimport\s*\(?\s*|\brequire\s*\(\s*)['"]([^'"\n]+)['"]/g,
  /^\s*from\s+([.\w]+)\s+import\b/gm,
  /^\s*import\s+([\w.]+(?:\s*,\s*[\w.]+)*)\s*(?:as\b.*)?;?\s*$/gm,
];

/** Files of the workspace that `text`, the content of `path`, imports, in its order. */
export function importedFiles(path: string, text: string, paths: readonly string[]): string[] {
  const found = importNames(text).map(name => resolveImport(path, name, paths));
  return [...new Set(found.filter(found => found !== null))].filter(found => found !== path);
}

/** Whether `statement` imports the file that it stands in. */
export const importsItself = (path: string, statement: string): boolean =>
  importNames(statement).some(name => resolveImport(path, name, [path]) !== null);

const importNames = (text: string): string[] =>
  IMPORTS.flatMap(pattern => [...text.matchAll(pattern)])
    .sort((a, b) => a.index - b.index)
    .flatMap(match => match[1]!.split(/\s*,\s*/));

function resolveImport(from: string, name: string, paths: readonly string[]): string | null {
  const folder = from.includes('/') ? from.slice(0, from.lastIndexOf('/')) : '';
  const isRelative = /^\.\.?(?:\/|$)/.test(name);
  // Python: a leading dot is the package itself, the others separate its parts.
  const dotted = name.replace(/^\.+/, '').replaceAll('.', '/');
  const bases = isRelative ? [join(folder, name)] : [join(folder, dotted), dotted, `src/${dotted}`];
  for (const base of bases) {
    const stem = base.replace(/\.(?:[cm]?[jt]sx?|py)$/, '');
    const hit = paths.find(
      path =>
        path.startsWith(stem) &&
        isCode(path) &&
        (path === base || withoutExtension(path) === stem || isIndexOf(path, stem)),
    );
    if (hit !== undefined) return hit;
  }
  return null;
}

const withoutExtension = (path: string): string => path.replace(/\.\w+$/, '');
const isIndexOf = (path: string, folder: string): boolean =>
  /^(?:index|__init__)$/.test(withoutExtension(baseName(path))) &&
  path.slice(0, -baseName(path).length - 1) === folder;

function join(folder: string, path: string): string {
  const parts: string[] = [];
  for (const part of `${folder}/${path}`.split('/')) {
    if (part === '..') parts.pop();
    else if (part !== '' && part !== '.') parts.push(part);
  }
  return parts.join('/');
}
