/** What a process has started, also where it left the group: `setsid`, a daemon that is not adopted yet. By /proc, so on Linux only. */
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

/** Those of the group are its members and what descends from them. Empty where nothing tells. */
export function descendantsOf(group: number): Descendant[] {
  const all = pids().flatMap(pid => statOf(pid) ?? []);
  const found = new Map(all.filter(one => one.group === group).map(one => [one.pid, one]));
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
