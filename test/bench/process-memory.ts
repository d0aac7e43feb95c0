/** Memory of another process on Linux, from /proc; null elsewhere. All in bytes. */
import { readFileSync } from 'node:fs';

export interface Memory {
  /** Heap and stacks: what swapping out would need. */
  anonymous: number;
  /** Mapped files, shared with the page cache and free to drop. */
  fileBacked: number;
}

export interface Peak extends Memory {
  /** Both together, at one time. */
  resident: number;
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

/**
 * Memory that is a process's share: a page that several map is split among them, so the shares of all add up to what they
 * take together. Null where the kernel does not tell.
 */
export function readShare(pid: number): number | null {
  try {
    const rollup = readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8');
    return Number(/^Pss:\s+(\d+) kB/m.exec(rollup)![1]) * 1024;
  } catch {
    return null;
  }
}

/** Looks every 20 ms; the kernel keeps a peak for the whole only, not for anonymous memory. */
export class PeakMemory {
  #peak: Peak | null = null;
  readonly #timer: NodeJS.Timeout;

  constructor(pid: number) {
    const look = () => {
      const now = readMemory(pid);
      if (!now) return;
      this.#peak = {
        anonymous: Math.max(now.anonymous, this.#peak?.anonymous ?? 0),
        fileBacked: Math.max(now.fileBacked, this.#peak?.fileBacked ?? 0),
        resident: Math.max(now.anonymous + now.fileBacked, this.#peak?.resident ?? 0),
      };
    };
    look();
    this.#timer = setInterval(look, 20);
  }

  stop(): Peak | null {
    clearInterval(this.#timer);
    return this.#peak;
  }
}
