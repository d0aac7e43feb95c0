/** The files of a folder and of those below it, ignored ones left out, links not followed. */
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { cancelled } from '../base/errors.ts';
import { IgnoreRules } from './ignore-rules.ts';

export interface WalkedEntry {
  /** From the root of the walk, with `/`. */
  path: string;
  absolute: string;
  kind: 'file' | 'directory' | 'link';
}

/** More is a workspace that nobody searches without narrowing it down. */
const MAX_ENTRIES = 200_000;
const MAX_DEPTH = 40;

/**
 * In the order of names, a folder before what is in it. `below`: from this folder of the root on, under the rules of the root.
 * `maxDepth`: 0 for the folder alone. What can't be opened is left out; so are pipes and devices.
 */
export async function* walk(
  root: string,
  options: { below?: string; maxDepth?: number; signal?: AbortSignal | undefined } = {},
): AsyncGenerator<WalkedEntry> {
  const maxDepth = options.maxDepth ?? MAX_DEPTH;
  let seen = 0;
  let rules = await IgnoreRules.atRoot(root);
  const parts = (options.below ?? '').split('/').filter(Boolean);
  for (let depth = 1; depth <= parts.length; depth++) {
    const path = parts.slice(0, depth).join('/');
    rules = await rules.into(join(root, path), path);
  }

  async function* visit(folder: string, rules: IgnoreRules, depth: number): AsyncGenerator<WalkedEntry> {
    const entries = await readdir(join(root, folder), { withFileTypes: true }).catch(() => []);
    entries.sort((a, b) => (a.name < b.name ? -1 : 1));
    for (const entry of entries) {
      if (options.signal?.aborted) throw cancelled();
      const path = folder ? `${folder}/${entry.name}` : entry.name;
      const isFolder = entry.isDirectory();
      if (rules.isIgnored(path, isFolder)) continue;
      if (!isFolder && !entry.isFile() && !entry.isSymbolicLink()) continue;
      if (++seen > MAX_ENTRIES) return;
      const absolute = join(root, path);
      yield { path, absolute, kind: isFolder ? 'directory' : entry.isFile() ? 'file' : 'link' };
      if (isFolder && depth < maxDepth) yield* visit(path, await rules.into(absolute, path), depth + 1);
    }
  }
  yield* visit(parts.join('/'), rules, 0);
}
