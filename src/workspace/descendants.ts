/** What a process has started, also where it left the group (`setsid`) or lost its parent (a daemon). By /proc, so on Linux only. */
import { readdirSync, readFileSync } from 'node:fs';

export interface Descendant {
  pid: number;
  /** Tells it from a later process of the same number. */
  startedAt: string;
}

interface Stat extends Descendant {
  parent: number;
  group: number;
}

/**
 * Those of the group are its members, whoever has `mark` (`NAME=value`) in the environment that it was started with, and what descends
 * from them. Empty where nothing tells.
 */
export function descendantsOf(group: number, mark: string): Descendant[] {
  const all = pids().flatMap(pid => statOf(pid) ?? []);
  const own = all.filter(one => one.group === group || hasMark(one.pid, mark));
  const found = new Map(own.map(one => [one.pid, one]));
  // A map goes on to what is added to it meanwhile.
  for (const pid of found.keys()) for (const one of all) if (one.parent === pid) found.set(one.pid, one);
  return [...found.values()].filter(one => one.group !== group);
}

export const isStill = ({ pid, startedAt }: Descendant): boolean => statOf(pid)?.startedAt === startedAt;

function pids(): number[] {
  try {
    return readdirSync('/proc').map(Number).filter(Number.isInteger);
  } catch {
    return [];
  }
}

function hasMark(pid: number, mark: string): boolean {
  try {
    return readFileSync(`/proc/${pid}/environ`, 'latin1').split('\0').includes(mark);
  } catch {
    // Gone, or another user's.
    return false;
  }
}

/** null: it is gone. */
function statOf(pid: number): Stat | null {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    // The name in parentheses may hold anything.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return { pid, parent: Number(fields[1]), group: Number(fields[2]), startedAt: fields[19] ?? '' };
  } catch {
    return null;
  }
}
