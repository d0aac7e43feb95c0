/**
 * What the workspace's rules and skills said when the agent last read them. They are instructions: one that came with a pull or from
 * a tool is heeded like one that the user wrote, so what has changed is named. Kept in the extension's own storage, as digests.
 */
import { createHash } from 'node:crypto';
import type * as vscode from 'vscode';

const KEY = 'moebius.agent.rulesRead';
/** In place of a digest: there was no such file. */
const NOTHING = '';
/** Of a notice. */
const MOST_NAMED = 5;

type Digests = Readonly<Record<string, string>>;

export class RulesMemory {
  readonly #memory: vscode.Memento;

  constructor(memory: vscode.Memento) {
    this.#memory = memory;
  }

  /**
   * Remembers the texts by their paths. Returns the paths of those that are new or changed, sorted; none the first time in a workspace,
   * where the user has just trusted all of it. `places`: where rules of the folders on the way to a file were looked for, the file last.
   * What is there at the first visit is not new; what comes later to where nothing was, is. A file that comes back as it was is neither.
   */
  exchange(texts: Readonly<Record<string, string>>, places: readonly string[]): string[] {
    const before = this.#memory.get<Digests>(KEY);
    const now = Object.fromEntries(Object.entries(texts).map(([path, text]) => [path, digest(text)]));
    // The last is a file more often than a folder, and of files there are many.
    const looked = Object.fromEntries(places.slice(0, -1).map(path => [path, NOTHING]));
    const after: Digests = { ...looked, ...before, ...now };
    if (before && Object.keys(after).every(path => after[path] === before[path])) return [];
    void this.#memory.update(KEY, after);
    if (!before) return [];
    const isFirstVisit = (path: string) => before[path] === undefined && places.includes(path);
    return Object.keys(now)
      .filter(path => before[path] !== now[path] && !isFirstVisit(path))
      .sort();
  }
}

/** For the user; null without any. */
export function changedRules(paths: readonly string[]): string | null {
  if (paths.length === 0) return null;
  const rest = paths.length > MOST_NAMED ? ` and ${paths.length - MOST_NAMED} more` : '';
  return (
    `New or changed since the agent last read it: ${paths.slice(0, MOST_NAMED).join(', ')}${rest}. ` +
    'The agent follows what stands there: look at it if the change is not yours.'
  );
}

const digest = (text: string): string => createHash('sha256').update(text).digest('base64url');
