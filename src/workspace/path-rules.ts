/** Whether a single path of a folder is left out: by `.gitignore` files on the way to it, or by globs of the user's. */
import { join } from 'node:path';
import picomatch from 'picomatch';
import { IgnoreRules } from './ignore-rules.ts';

export class PathRules {
  readonly #root: string;
  readonly #isExcluded: (path: string) => boolean;
  /** By folder from the root on, with `/`: the rules inside it. */
  readonly #inside = new Map<string, Promise<IgnoreRules>>();

  /** `globs` are matched against a path and the folders above it. */
  constructor(root: string, globs: readonly string[]) {
    this.#root = root;
    this.#isExcluded = globs.length > 0 ? picomatch([...globs], { dot: true }) : () => false;
  }

  /** `path` of a file, or of a folder with a `/` behind it, from the root on, with `/`. What is not below the root is under no rule. */
  async isIgnored(path: string): Promise<boolean> {
    const isFolder = path.endsWith('/');
    const parts = (isFolder ? path.slice(0, -1) : path).split('/');
    if (path.startsWith('/') || parts.includes('..')) return false;
    for (let depth = 1; depth <= parts.length; depth++) {
      const upTo = parts.slice(0, depth).join('/');
      if (this.#isExcluded(upTo)) return true;
      const rules = await this.#rulesIn(parts.slice(0, depth - 1));
      if (rules.isIgnored(upTo, isFolder || depth < parts.length)) return true;
    }
    return false;
  }

  /** The rules of every folder are read once, and again after this. */
  forget(): void {
    this.#inside.clear();
  }

  #rulesIn(parts: readonly string[]): Promise<IgnoreRules> {
    const folder = parts.join('/');
    const known = this.#inside.get(folder);
    if (known) return known;
    const rules =
      parts.length === 0
        ? IgnoreRules.atRoot(this.#root)
        : this.#rulesIn(parts.slice(0, -1)).then(above => above.into(join(this.#root, folder), folder));
    this.#inside.set(folder, rules);
    return rules;
  }
}
