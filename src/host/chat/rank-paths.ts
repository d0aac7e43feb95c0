/**
 * Paths that fit a query, best first: its letters in order, scored by where they fall. Small on purpose: the list it
 * sorts is capped, and the editor's own matcher can't be reached from an extension.
 */
export function rankPaths(query: string, paths: readonly string[], limit: number): string[] {
  const needle = query.toLowerCase();
  return paths
    .map((path, index) => ({ path, score: score(needle, path.toLowerCase()), index }))
    .filter(({ score }) => score > 0)
    .sort((a, b) => b.score - a.score || a.path.length - b.path.length || a.index - b.index)
    .slice(0, limit)
    .map(({ path }) => path);
}

/** Every folder that files lie in, at any depth. */
export function foldersOf(paths: readonly string[]): string[] {
  const folders = new Set<string>();
  for (const path of paths) {
    for (let end = path.indexOf('/'); end >= 0; end = path.indexOf('/', end + 1))
      folders.add(path.slice(0, end));
  }
  return [...folders];
}

/** 0: no fit. The file's name counts more than its folders, a whole substring more than scattered letters. */
function score(needle: string, path: string): number {
  if (needle === '') return 1;
  const name = path.slice(path.lastIndexOf('/') + 1);
  if (name === needle) return 6;
  if (name.startsWith(needle)) return 5;
  if (name.includes(needle)) return 4;
  if (path.includes(needle)) return 3;
  if (isSubsequence(needle, name)) return 2;
  return isSubsequence(needle, path) ? 1 : 0;
}

function isSubsequence(needle: string, text: string): boolean {
  let at = 0;
  for (const char of text) if (char === needle[at]) at++;
  return at === needle.length;
}
