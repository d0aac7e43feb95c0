/** What a walk leaves out: `.gitignore` files, nested ones too, and folders that are never worth reading. */
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { dirname, join, relative, sep } from 'node:path';
import ignore, { type Ignore } from 'ignore';

const ALWAYS_SKIPPED = new Set(['.git', '.hg', '.svn', 'node_modules', '__pycache__', '.venv']);
/** A longer list of rules is not one that a person wrote. */
const MAX_RULES_BYTES = 100_000;

/** Rules of one folder, of the root or below it: `folder` from the root on. Of one above the root: `above`, `packages/app/`, leads to the root. */
interface Level {
  folder: string;
  above: string;
  rules: Ignore;
}

/** The rules that hold in one folder: its own, then those of the folders above, up to the root of the repository. */
export class IgnoreRules {
  readonly #levels: readonly Level[];

  private constructor(levels: readonly Level[]) {
    this.#levels = levels;
  }

  static async atRoot(root: string): Promise<IgnoreRules> {
    return new IgnoreRules(await levelsAbove(root)).into(root, '');
  }

  /** The rules inside a folder; `path` is its own from the root, with `/`. */
  async into(absolute: string, path: string): Promise<IgnoreRules> {
    const rules = await rulesIn(join(absolute, '.gitignore'));
    return rules ? new IgnoreRules([...this.#levels, { folder: path, above: '', rules }]) : this;
  }

  isIgnored(path: string, isFolder: boolean): boolean {
    const name = path.slice(path.lastIndexOf('/') + 1);
    if (isFolder && ALWAYS_SKIPPED.has(name)) return true;
    for (const { folder, above, rules } of this.#levels.toReversed()) {
      const inner = above + (folder ? path.slice(folder.length + 1) : path);
      const verdict = rules.test(isFolder ? `${inner}/` : inner);
      // The nearest rule that says anything decides.
      if (verdict.ignored) return true;
      if (verdict.unignored) return false;
    }
    return false;
  }
}

/** Rules of the repository that the root lies in, farthest first. None where they ignore the root itself: who opens it means it. */
async function levelsAbove(root: string): Promise<Level[]> {
  const folders = foldersAbove(root);
  const files = folders.map(folder => ({ folder, path: join(folder, '.gitignore') }));
  const top = folders[0] ?? root;
  files.unshift({ folder: top, path: join(top, '.git', 'info', 'exclude') });
  const levels: Level[] = [];
  for (const { folder, path } of files) {
    const rules = await rulesIn(path);
    if (rules) levels.push({ folder: '', above: leadingTo(root, folder), rules });
  }
  return levels.some(({ above, rules }) => above !== '' && rules.test(above).ignored) ? [] : levels;
}

/** From the root of the repository to the folder that `root` lies in; empty for the repository's root, and outside of one. */
function foldersAbove(root: string): string[] {
  const folders: string[] = [];
  for (let folder = root; !existsSync(join(folder, '.git')); ) {
    const parent = dirname(folder);
    if (parent === folder) return [];
    folders.unshift(parent);
    folder = parent;
  }
  return folders;
}

/** `packages/app/` from a folder above the root; empty from the root. */
const leadingTo = (root: string, from: string): string =>
  relative(from, root)
    .split(sep)
    .filter(Boolean)
    .map(part => `${part}/`)
    .join('');

async function rulesIn(path: string): Promise<Ignore | null> {
  const text = await readFile(path, 'utf8').catch(() => null);
  if (!text || text.length > MAX_RULES_BYTES) return null;
  return ignore({ allowRelativePaths: true }).add(text);
}
