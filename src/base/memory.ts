import { totalmem } from 'node:os';

/** Memory that this process may have: the machine's, or its container's where that is less. */
export function memoryBytes(
  total = totalmem(),
  limit: number | undefined = process.constrainedMemory(),
): number {
  // Without a limit it is 0 or nothing, or a number that no machine has.
  return limit ? Math.min(total, limit) : total;
}
