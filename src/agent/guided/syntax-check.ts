/** Whether a file that could be parsed no longer can: what every language tells, also where no checker is. */
import { MoebiusError } from '../../base/errors.ts';
import type { AgentOptions } from '../agent.ts';
import { arrayHunks } from '../edits/search-replace.ts';
import type { Diagnostic, SyntaxFault } from '../ports.ts';

export interface Parsed {
  /** `\n` line ends. */
  text: string;
  faults: readonly SyntaxFault[];
}

/** Of a file; what is wrong behind them follows from them more often than not. */
const MOST_FAULTS = 5;

export class SyntaxCheck {
  private readonly options: AgentOptions;
  /** As they were before the task, by path. */
  private readonly before = new Map<string, Parsed>();

  constructor(options: AgentOptions) {
    this.options = options;
  }

  async remember(path: string): Promise<void> {
    const parsed = await this.parsed(path);
    if (parsed) this.before.set(path, parsed);
  }

  /** What was broken since, of the files that are remembered. */
  async fresh(): Promise<Diagnostic[]> {
    const found: Diagnostic[] = [];
    for (const [path, before] of this.before) {
      const now = await this.parsed(path);
      const faults = now ? newFaults(before, now).slice(0, MOST_FAULTS) : [];
      found.push(...faults.map(fault => ({ path, ...fault, severity: 'error' as const, source: 'syntax' })));
    }
    return found;
  }

  /** null: it can't be told. A file that does not exist is an empty one. */
  private async parsed(path: string): Promise<Parsed | null> {
    const { ports, signal } = this.options;
    if (!ports.syntax) return null;
    const file = await ports.workspace.read(path, signal).catch(error => {
      if (error instanceof MoebiusError && error.code === 'not-found') return null;
      throw error;
    });
    const text = (file?.text ?? '').replaceAll('\r\n', '\n');
    const faults = await ports.syntax.faults(path, text);
    return faults && { text, faults };
  }
}

/**
 * Faults of `now` at places where `before` has none. A line that has not changed is one place, and so are the lines that took the
 * place of others, and the end of the file, where what was left open is missed.
 */
export function newFaults(before: Parsed, now: Parsed): SyntaxFault[] {
  const [old, own] = [before.text.trimEnd().split('\n'), now.text.trimEnd().split('\n')];
  let shift = 0;
  const hunks = arrayHunks(old, own).map(({ start, end, lines }) => {
    const from = start + shift;
    shift += lines.length - (end - start);
    return { start, end, from, to: from + lines.length, shift };
  });
  const placeBefore = ({ line }: SyntaxFault): string => {
    if (line >= old.length) return 'end';
    const hunk = hunks.findIndex(({ start, end }) => line > start && line <= end);
    return hunk >= 0 ? `change ${hunk}` : `line ${line}`;
  };
  const placeNow = ({ line }: SyntaxFault): string => {
    if (line >= own.length) return 'end';
    const hunk = hunks.findIndex(({ from, to }) => line > from && line <= to);
    if (hunk >= 0) return `change ${hunk}`;
    return `line ${line - (hunks.findLast(({ to }) => line > to)?.shift ?? 0)}`;
  };
  const left = before.faults.map(placeBefore);
  return now.faults.filter(fault => {
    const known = left.indexOf(placeNow(fault));
    if (known >= 0) left.splice(known, 1);
    return known < 0;
  });
}
