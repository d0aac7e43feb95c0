/** Memory of another process on Linux, from /proc; null elsewhere. All in bytes. */
import { readFileSync } from 'node:fs';

export interface Memory {
  /** Heap and stacks: what swapping out would need. */
  anonymous: number;
  /** Mapped files, shared with the page cache and free to drop. */
  fileBacked: number;
}

export function readMemory(pid: number): Memory | null {
  try {
    const status = readFileSync(`/proc/${pid}/status`, 'utf8');
    const field = (name: string) =>
      Number(new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(status)?.[1] ?? 0) * 1024;
    return { anonymous: field('RssAnon'), fileBacked: field('RssFile') };
  } catch {
    return null;
  }
}

/** Looks every 20 ms; the kernel keeps a peak for the whole only, not for anonymous memory. */
export class PeakMemory {
  #peak: Memory | null = null;
  readonly #timer: NodeJS.Timeout;

  constructor(pid: number) {
    const look = () => {
      const now = readMemory(pid);
      if (!now) return;
      this.#peak = {
        anonymous: Math.max(now.anonymous, this.#peak?.anonymous ?? 0),
        fileBacked: Math.max(now.fileBacked, this.#peak?.fileBacked ?? 0),
      };
    };
    look();
    this.#timer = setInterval(look, 20);
  }

  stop(): Memory | null {
    clearInterval(this.#timer);
    return this.#peak;
  }
}
