/**
 * Which places of a name belong to what one file defines, told from the texts of the files alone: in that file, and in those that import
 * it. Where that leaves a doubt there is no answer.
 */
import { applyReplacements } from '../edits/lines.ts';
import { placesOf } from './code-places.ts';
import { importedFiles, languageOf } from './source-paths.ts';

interface NewName {
  name: string;
  newName: string;
}

/** The new text of every file of `texts` that it changes; null where something else has the name too, or the new one is taken. */
export function renamedByText(
  home: string,
  to: NewName,
  texts: ReadonlyMap<string, string>,
  paths: readonly string[],
): ReadonlyMap<string, string> | null {
  const { name, newName } = to;
  const result = new Map<string, string>();
  for (const [path, text] of texts) {
    const places =
      path === home ? placesAtHome(name, text, path) : placesAbroad(name, text, path, home, paths);
    if (places === null) return null;
    if (places.length === 0) continue;
    if (placesOf(newName, text, path).length > 0) return null;
    result.set(path, replaced(text, places, to, path));
  }
  return result;
}

/** In the file of the definition; null: something else in it has the name too. */
function placesAtHome(name: string, text: string, path: string): number[] | null {
  const places = placesOf(name, text, path).filter(at => !isMember(text, at));
  const definitions = places.filter(at => isBound(name, text, at));
  return definitions.length > 1 || places.some(at => isShorthand(name, text, at)) ? null : places;
}

/** In another file: what it takes from `home`; null where that can't be told. */
function placesAbroad(
  name: string,
  text: string,
  path: string,
  home: string,
  paths: readonly string[],
): number[] | null {
  // Other languages see each other's names without naming the file.
  if (!/^(?:[jt]sx?|python)$/.test(languageOf(path))) {
    const isSame = languageOf(path) === languageOf(home) && placesOf(name, text, path).length > 0;
    return isSame ? null : [];
  }
  const imports = importsOf(text, path, paths);
  const fromHome = imports.filter(one => one.from.includes(home));
  const modules = imports.flatMap(one =>
    one.modules.filter(({ file }) => file === home).map(found => found.name),
  );
  const all = placesOf(name, text, path).filter(
    at => !imports.some(one => at < one.list && one.start <= at) && !isOwner(name, text, at, modules),
  );
  const isIn = (some: readonly Import[]) => (at: number) => some.some(one => one.start <= at && at < one.end);
  const ofModule = all.filter(at => isMember(text, at) && modules.includes(ownerOf(text, at)));
  if (!all.some(isIn(fromHome))) {
    // Taken from another file of the workspace, which may have it from there.
    return all.some(isIn(imports.filter(one => one.from.length > 0))) ? null : ofModule;
  }
  // Given another name, it is used under that one.
  const aliased = all.filter(at => isIn(fromHome)(at) && /^\s*(?:as\b|:)/.test(text.slice(at + name.length)));
  const plain = aliased.length > 0 ? aliased : all.filter(at => !isMember(text, at));
  const isClear = plain.every(
    at => isIn(fromHome)(at) || !(isBound(name, text, at) || isShorthand(name, text, at)),
  );
  const isPassedOn = fromHome.some(one => one.isExport);
  return isClear && !isPassedOn ? [...plain, ...ofModule].sort((a, b) => a - b) : null;
}

interface Import {
  start: number;
  /** Where the list of names begins; what stands before is Python's name of the module. */
  list: number;
  end: number;
  /** Files of the workspace. */
  from: string[];
  /** Names under which whole files are known. */
  modules: { name: string; file: string }[];
  isExport: boolean;
}

const STATEMENTS: readonly RegExp[] = [
  /^(?:import|export)\s[^'"]*?\bfrom\s*['"][^'"\n]+['"]/gm,
  /^(?:const|let|var)\s[^=;]*=\s*(?:await\s+import|require)\s*\([^)\n]*\)/gm,
  /^\s*from\s+[.\w]+\s+import\s+(?:\([^)]*\)|[^\n#]*)/gm,
  /^\s*import\s+[\w.]+(?:\s+as\s+\w+)?/gm,
];
const MODULE_NAMES =
  /^(?:import\s+(?:[\w$]+\s*,\s*)?\*\s*as\s+([\w$]+)|(?:const|let|var)\s+([\w$]+)\s*=|\s*import\s+[\w.]+\s+as\s+(\w+)|\s*import\s+([\w.]+)\s*$)/;
const PYTHON_MODULE = /^\s*(?:from\s+[.\w]+\s+import\b|import\s+[\w.]+(?=\s|$))(?!.*['"])/;

function importsOf(text: string, path: string, paths: readonly string[]): Import[] {
  return STATEMENTS.flatMap(pattern => [...text.matchAll(pattern)]).map(({ index, 0: statement }): Import => {
    const from = importedFiles(path, statement, paths);
    const names = (MODULE_NAMES.exec(statement)?.slice(1) ?? []).filter(Boolean);
    const whole = names.flatMap(name => from.map(file => ({ name, file })));
    const taken = modulesTaken(statement).flatMap(({ module, name }) =>
      importedFiles(path, `import ${module}`, paths).map(file => ({ name, file })),
    );
    return {
      start: index,
      list: index + (PYTHON_MODULE.exec(statement)?.[0].length ?? 0),
      end: index + statement.length,
      from,
      modules: [...whole, ...taken],
      isExport: statement.startsWith('export'),
    };
  });
}

/** `from package import module as name`: what may be a file of its own. */
function modulesTaken(statement: string): { module: string; name: string }[] {
  const [, from, list] = /^\s*from\s+([.\w]+)\s+import\s+\(?([\w\s,]+)\)?$/.exec(statement.trimEnd()) ?? [];
  return (list ?? '').split(',').flatMap(item => {
    const [, module, name = module] = /^\s*(\w+)(?:\s+as\s+(\w+))?\s*$/.exec(item) ?? [];
    return module === undefined
      ? []
      : [{ module: `${from}${from!.endsWith('.') ? '' : '.'}${module}`, name: name! }];
  });
}

const isMember = (text: string, at: number): boolean =>
  /(?<!\.\.)\.\s*$/.test(text.slice(Math.max(0, at - 40), at));
const ownerOf = (text: string, at: number): string =>
  /([\w$][\w$.]*)\s*\.\s*$/.exec(text.slice(Math.max(0, at - 200), at))?.[1] ?? '';

const isOwner = (name: string, text: string, at: number, modules: readonly string[]): boolean =>
  modules.includes(name) && !isMember(text, at) && /^\s*\./.test(text.slice(at + name.length));

/** Whether the name is given to something at `at`: a definition, an assignment, a parameter, a loop's or an import's name. */
function isBound(name: string, text: string, at: number): boolean {
  const before = text.slice(text.lastIndexOf('\n', at - 1) + 1, at);
  const behind = text.slice(
    at + name.length,
    text.indexOf('\n', at) < 0 ? undefined : text.indexOf('\n', at),
  );
  if (
    /\b(?:function\*?|def|class|interface|type|enum|struct|fn|func|trait|const|let|var|for|lambda|catch|as|import)\s*\(?\s*$/.test(
      before,
    )
  )
    return true;
  if (/^\s*(?:=(?![=>])|:=|=>)/.test(behind)) return true;
  const isHead =
    /^\s*(?:(?:export|default|async|static|public|private|protected)\s+)*(?:def|function)\b/.test(before);
  if (isHead && /\([^()]*$/.test(before) && !/[=:]\s*$/.test(before)) return true;
  return /[(,]\s*$/.test(before) && /^[^()]*\)\s*(?::[^=]*)?=>/.test(behind);
}

/** `{ name }` of an object: the name of a property and of what it holds in one. Exports and imports are lists of names. */
function isShorthand(name: string, text: string, at: number): boolean {
  const open = text.lastIndexOf('{', at);
  if (open < 0 || /[};()]/.test(text.slice(open + 1, at))) return false;
  if (!/[{,]\s*$/.test(text.slice(open, at)) || !/^\s*[,}]/.test(text.slice(at + name.length))) return false;
  return !/(?:\bexports\s*=|\bexport(?:\s+type)?|\bimport(?:\s+type)?)\s*$/.test(text.slice(0, open));
}

function replaced(text: string, places: readonly number[], { name, newName }: NewName, path: string): string {
  const replacements = places.map(start => ({ start, end: start + name.length, text: newName }));
  const result = applyReplacements(text, replacements);
  if (languageOf(path) !== 'python') return result;
  // The one list of strings that are names.
  const quoted = new RegExp(`(['"])${name}\\1`, 'g');
  return result.replace(/^__all__\s*=\s*[[(][^\])]*[\])]/m, list => list.replace(quoted, `$1${newName}$1`));
}
