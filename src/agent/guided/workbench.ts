/**
 * The files that a task changes: as they were, as they are now, and the best state so far. A candidate is written over the last
 * one, so that each is one edit, and whatever did not help is gone in the end.
 */
import { cancelled, MoebiusError } from '../../base/errors.ts';
import type { ActionResult, Actions, AgentOptions } from '../agent.ts';
import { unifiedDiff } from '../edits/describe.ts';
import { applyReplacements, LfText, splitLines } from '../edits/lines.ts';
import { arrayHunks } from '../edits/search-replace.ts';
import type { ChangedFile, FileChange } from '../ports.ts';
import { replacementBetween } from './code-answer.ts';

interface OpenFile {
  /** As stored; null: it does not exist. */
  original: string | null;
  best: string | null;
  current: string | null;
  version: string;
}

interface Wanted {
  name: string;
  file: OpenFile;
  /** null: it does not exist then. */
  next: string | null;
}

/** No file is of it, so an edit made for it is stale. */
const NO_VERSION = 'none';

export class Workbench {
  /** How many versions were put in. */
  versions = 0;
  private readonly files = new Map<string, OpenFile>();
  /** Files that could not be put back, and why. */
  private readonly stuck = new Map<string, string>();
  private readonly options: AgentOptions;
  private readonly actions: Actions;
  private readonly callId: () => string;

  constructor(options: AgentOptions, actions: Actions, callId: () => string) {
    this.options = options;
    this.actions = actions;
    this.callId = callId;
  }

  /** The best text so far with `\n` line ends; '' for a file that does not exist. */
  async best(path: string): Promise<string> {
    const file = await this.open(path);
    return withoutReturns(file.best ?? '');
  }

  /**
   * Puts these texts (by path, `\n` line ends) into their files and every other file back to its best state. null, or what the user
   * says who does not want them: nothing was done then.
   * @throws MoebiusError `refused` when it could not be done, `cancelled` when the user denied it without a word
   */
  async tryTexts(texts: ReadonlyMap<string, string>): Promise<string | null> {
    for (const path of texts.keys()) await this.open(path);
    const wanted = [...this.files].map(([name, file]): Wanted => {
      const text = texts.get(name);
      return { name, file, next: text === undefined ? file.best : withStoredEnds(text, file.best ?? '') };
    });
    const changed = wanted.filter(one => one.next !== one.file.current);
    if (changed.length === 0) return null;
    const { ok, summary, denial } = await this.become(changed, changed[0]!.name, 'Edit', 'edit');
    if (denial) {
      if (denial.reason === null) throw cancelled();
      return denial.reason;
    }
    if (!ok) throw new MoebiusError('refused', summary);
    this.versions++;
    return null;
  }

  /** What is there now is the best so far. */
  keep(): void {
    for (const file of this.files.values()) file.best = file.current;
  }

  /** Back to the best state, also when the task was stopped; a file that the user changed meanwhile stays as it is. */
  async restore(): Promise<void> {
    for (const [name, file] of this.files) {
      if (file.current === file.best || this.stuck.has(name)) continue;
      const wanted = [{ name, file, next: file.best }];
      const { ok, summary } = await this.become(wanted, name, 'Take back what did not help', 'takeBack');
      if (!ok) this.stuck.set(name, summary);
    }
  }

  /** After `restore`, for the user: what is there of all that was put in. */
  left(): string {
    const kept = this.changes().filter(({ path }) => !this.stuck.has(path));
    const stuck = [...this.stuck].map(
      ([path, why]) => `${path} still has the last version, which did not help: ${why}`,
    );
    if (kept.length > 0) stuck.unshift('What helped is kept.');
    return stuck.join(' ') || 'Nothing is changed.';
  }

  changes(): ChangedFile[] {
    return [...this.files].flatMap(([path, { original, current }]): ChangedFile[] => {
      if (original === current) return [];
      const before = new Set((original ?? '').split('\n'));
      const after = new Set((current ?? '').split('\n'));
      const kind = kindOf(original, current);
      return [
        { path, kind, addedLines: countOutside(after, before), removedLines: countOutside(before, after) },
      ];
    });
  }

  /** From what was there before the task to what is there now. */
  diff(): string {
    const changed = [...this.files].filter(([, { original, current }]) => original !== current);
    return changed
      .map(([path, { original, current }]) => {
        return unifiedDiff({ kind: kindOf(original, current) }, path, original ?? '', current ?? '');
      })
      .join('\n');
  }

  /** All or nothing. */
  private async become(
    wanted: readonly Wanted[],
    path: string,
    title: string,
    how: 'edit' | 'takeBack',
  ): Promise<ActionResult> {
    const changes = wanted.map(({ name, file, next }) => changeOf(name, file, next));
    const callId = this.callId();
    const names = wanted.map(({ name }) => name);
    this.options.emit({
      type: 'call',
      callId,
      call: { kind: 'call', name: 'edit_file', arguments: { path } },
      title: `${title}: ${names.join(', ')}`,
    });
    const result = await this.actions[how](callId, changes);
    if (result.ok) for (const one of wanted) await this.note(one);
    return result;
  }

  /** What was written, as it is stored. Not under the task's signal: what a stopped task has written must be known. */
  private async note({ name, file, next }: Wanted): Promise<void> {
    file.current = next;
    if (next === null) return;
    const stored = await this.options.ports.workspace.read(name).catch(() => null);
    // The editor may make the line ends its own; any other difference is the user's, and is not written over.
    const isOurs = stored !== null && withoutReturns(stored.text) === withoutReturns(next);
    file.version = isOurs ? stored.version : NO_VERSION;
    if (isOurs) file.current = stored.text;
  }

  private async open(path: string): Promise<OpenFile> {
    const known = this.files.get(path);
    if (known) return known;
    const { workspace } = this.options.ports;
    const stored = await workspace.read(path, this.options.signal).catch(error => {
      if (error instanceof MoebiusError && error.code === 'not-found') return null;
      throw error;
    });
    const text = stored?.text ?? null;
    const file: OpenFile = {
      original: text,
      best: text,
      current: text,
      version: stored?.version ?? NO_VERSION,
    };
    this.files.set(path, file);
    return file;
  }
}

const withoutReturns = (text: string): string => text.replaceAll('\r\n', '\n');

/** `text` (`\n` line ends) where `stored` was: lines that stay keep their ends, new ones have that of the lines around them. */
function withStoredEnds(text: string, stored: string): string {
  const file = new LfText(stored);
  const ended = (of: string): string[] => splitLines(of).map(({ start, next }) => of.slice(start, next));
  const replacements = arrayHunks(ended(file.text), ended(text)).map(({ start, end, lines }) => {
    const at = file.lines[start]?.start ?? file.text.length;
    const upTo = end > start ? file.lines[end - 1]!.next : at;
    return file.toOriginal({ start: at, end: upTo, text: lines.join('') });
  });
  return applyReplacements(stored, replacements);
}

const kindOf = (original: string | null, current: string | null): FileChange['kind'] =>
  original === null ? 'create' : current === null ? 'delete' : 'edit';

function changeOf(path: string, { current, version }: OpenFile, next: string | null): FileChange {
  if (next === null) return { kind: 'delete', path, version };
  if (current === null) return { kind: 'create', path, text: next };
  return { kind: 'edit', path, version, replacements: [replacementBetween(current, next)] };
}

const countOutside = (lines: Set<string>, other: Set<string>): number =>
  [...lines].filter(line => !other.has(line)).length;
