/**
 * The glob of paths that hold a query in their last name, or across a slash: for a workspace with more files than are listed.
 * Letters in either case, because the editor's search tells them apart, but for those outside ASCII, of which it takes no set. What a
 * glob would read as a sign stands for itself. Pure.
 */
export function pathGlob(query: string): string {
  const signs = query
    .replace(/[?*[\]{}]/g, '[$&]')
    .replace(/[a-z]/gi, letter => `[${letter.toLowerCase()}${letter.toUpperCase()}]`);
  return `**/*${signs}*`;
}
