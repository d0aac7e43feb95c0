import { readFileSync } from 'node:fs';
import { freemem, totalmem } from 'node:os';
import { join } from 'node:path';

/** Memory that this process may have: the machine's, or its container's where that is less. */
export function memoryBytes(
  total = totalmem(),
  limit: number | undefined = process.constrainedMemory(),
): number {
  // Without a limit it is 0 or nothing, or a number that no machine has.
  return limit ? Math.min(total, limit) : total;
}

/** Memory that can be had without harm to other programs; null where that is not known. `cached`: in the container's count. */
export function availableBytes(
  isLimited = memoryBytes() < totalmem(),
  left = process.availableMemory(),
  free = freemem(),
  cached: () => number | null = cachedBytes,
): number | null {
  if (!isLimited) return left || null;
  // What is left of a limit does not count what the system keeps of files, and gives up for whoever wants it.
  const files = cached();
  return files === null ? null : Math.min(free, left + files);
}

/** What the system keeps of files for this process's control group, version 1 or 2; null where it does not tell. `root`: for tests. */
export function cachedBytes(root = '/'): number | null {
  const read = (path: string): string => {
    try {
      return readFileSync(join(root, path), 'utf8');
    } catch {
      return '';
    }
  };
  const groups = read('proc/self/cgroup');
  const v1 = /^\d+:(?:[^:]*,)?memory(?:,[^:]*)?:(.*)$/m.exec(groups);
  const v2 = /^0::(.*)$/m.exec(groups);
  const [folder, group] = v1 ? ['sys/fs/cgroup/memory', v1[1]!] : ['sys/fs/cgroup', v2?.[1] ?? '/'];
  // In a container the group may be named as the machine knows it, and stand at the top.
  const stat = read(join(folder, group, 'memory.stat')) || read(join(folder, 'memory.stat'));
  // Those of version 1 count without `total_` only what is directly in the group.
  const prefix = stat.includes('\ntotal_') ? 'total_' : '';
  const numbers = new Map(stat.split('\n').map(line => line.split(' ') as [string, string]));
  const bytes = ['inactive_file', 'active_file'].map(name => Number(numbers.get(prefix + name)));
  const sum = bytes.reduce((all, one) => all + one, 0);
  return Number.isNaN(sum) ? null : sum;
}
