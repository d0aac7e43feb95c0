/** A cgroup that bounds the memory of a child, page cache included, as a small machine does. Linux, as root. */
import { mkdirSync, rmdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

export interface MemoryLimit {
  /** Words to put before a command. */
  prefix: string[];
  remove(): void;
}

/** null where there are no control groups to be made. */
export function limitMemory(bytes: number): MemoryLimit | null {
  for (const [root, file] of [
    ['/sys/fs/cgroup/memory', 'memory.limit_in_bytes'],
    ['/sys/fs/cgroup', 'memory.max'],
  ] as const) {
    const folder = join(root, `moebius-bench-${process.pid}`);
    try {
      mkdirSync(folder);
    } catch {
      continue;
    }
    try {
      writeFileSync(join(folder, file), String(bytes));
      const enter = `echo $$ > ${folder}/cgroup.procs && exec "$0" "$@"`;
      return { prefix: ['sh', '-c', enter], remove: () => rmdirSync(folder) };
    } catch {
      rmdirSync(folder);
    }
  }
  return null;
}
