/** What a walk leaves out: `.gitignore` files, nested ones too, and folders that are never worth reading. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import ignore, { type Ignore } from 'ignore';

const ALWAYS_SKIPPED = new Set(['.git', '.hg', '.svn', 'node_modules', '__pycache__', '.venv']);
/** A longer list of rules is not one that a person wrote. */
const MAX_RULES_BYTES = 100_000;

/** The rules that hold in one folder: its own, then those of the folders above. */
export class IgnoreRules {
  readonly #levels: readonly { folder: string; rules: Ignore }[];

  private constructor(levels: readonly { folder: string; rules: Ignore }[]) {
    this.#levels = levels;
  }

  static async atRoot(root: string): Promise<IgnoreRules> {
    const own = await read(join(root, '.git', 'info', 'exclude'));
    const base = own ? [{ folder: '', rules: ignore({ allowRelativePaths: true }).add(own) }] : [];
    return new IgnoreRules(base).into(root, '');
  }

  /** The rules inside a folder; `relative` is its path from the root, with `/`. */
  async into(absolute: string, relative: string): Promise<IgnoreRules> {
    const text = await read(join(absolute, '.gitignore'));
    if (!text) return this;
    const rules = ignore({ allowRelativePaths: true }).add(text);
    return new IgnoreRules([...this.#levels, { folder: relative, rules }]);
  }

  isIgnored(relative: string, isFolder: boolean): boolean {
    const name = relative.slice(relative.lastIndexOf('/') + 1);
    if (isFolder && ALWAYS_SKIPPED.has(name)) return true;
    // The nearest rule that says anything decides.
    for (const { folder, rules } of this.#levels.toReversed()) {
      const inner = folder ? relative.slice(folder.length + 1) : relative;
      const verdict = rules.test(isFolder ? `${inner}/` : inner);
      if (verdict.ignored) return true;
      if (verdict.unignored) return false;
    }
    return false;
  }
}

async function read(path: string): Promise<string | null> {
  const text = await readFile(path, 'utf8').catch(() => null);
  return text && text.length <= MAX_RULES_BYTES ? text : null;
}
