/**
 * The files that a task changes: as they were, as they are now, and the best state so far. A candidate is written over the last
 * one, so that each is one edit, and whatever did not help is gone in the end.
 */
import { MoebiusError } from '../../base/errors.ts';
import type { Actions, AgentOptions } from '../agent.ts';
import { unifiedDiff } from '../edits/describe.ts';
import type { ChangedFile, FileChange } from '../ports.ts';
import { replacementBetween } from './code-answer.ts';

interface OpenFile {
  /** As stored; null: it does not exist. */
  original: string | null;
  best: string | null;
  current: string | null;
  version: string;
  eol: '\n' | '\r\n';
}

export class Workbench {
  /** How many versions were put in. */
  versions = 0;
  private readonly files = new Map<string, OpenFile>();
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
    return (file.best ?? '').replaceAll('\r\n', '\n');
  }

  /**
   * Puts `text` (`\n` line ends) into `path` and every other file back to its best state.
   * @throws MoebiusError `refused` when it could not be done; what did not help before is taken back then
   */
  async tryText(path: string, text: string): Promise<void> {
    const { eol } = await this.open(path);
    const refusal = await this.become(path, eol === '\n' ? text : text.replaceAll('\n', eol), 'Edit');
    this.versions++;
    if (refusal === null) return;
    await this.restore();
    throw new MoebiusError('refused', refusal);
  }

  /** What is there now is the best so far. */
  keep(): void {
    for (const file of this.files.values()) file.best = file.current;
  }

  /** Back to the best state. */
  async restore(): Promise<void> {
    await this.become(null, null, 'Take back what did not help');
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

  /** null, or why it was not done. */
  private async become(path: string | null, text: string | null, title: string): Promise<string | null> {
    const wanted = [...this.files].flatMap(([name, file]) => {
      const next = name === path ? text : file.best;
      return next === file.current ? [] : [{ name, file, next }];
    });
    if (wanted.length === 0) return null;
    const changes = wanted.map(({ name, file, next }) => changeOf(name, file, next));
    const callId = this.callId();
    const names = wanted.map(({ name }) => name);
    this.options.emit({
      type: 'call',
      callId,
      call: { kind: 'call', name: 'edit_file', arguments: { path: path ?? names[0]! } },
      title: `${title}: ${names.join(', ')}`,
    });
    const result = await this.actions.edit(callId, changes);
    if (!result.ok) return result.text;
    for (const { name, file, next } of wanted) {
      file.current = next;
      if (next !== null)
        file.version = (await this.options.ports.workspace.read(name, this.options.signal)).version;
    }
    return null;
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
      version: stored?.version ?? '',
      eol: text?.includes('\r\n') ? '\r\n' : '\n',
    };
    this.files.set(path, file);
    return file;
  }
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
