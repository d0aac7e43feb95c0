import { readFileSync } from 'node:fs';
import type { StatusResult } from '../protocol/daemon.ts';

/** What the process holds, bytes. `anonymousBytes` leaves out mapped weights that the system may drop; Linux only. */
export function readMemory(kvBytes: number): StatusResult['memory'] {
  return { rssBytes: process.memoryUsage.rss(), anonymousBytes: readAnonymousBytes(), kvBytes };
}

function readAnonymousBytes(): number | null {
  if (process.platform !== 'linux') return null;
  try {
    const match = /^RssAnon:\s+(\d+) kB$/m.exec(readFileSync('/proc/self/status', 'latin1'));
    return match ? Number(match[1]) * 1024 : null;
  } catch {
    return null;
  }
}
