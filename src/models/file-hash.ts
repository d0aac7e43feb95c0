/** sha256 of a file of any size, in constant memory. */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { cancelled } from '../base/errors.ts';

export interface HashOptions {
  onProgress?: ((doneBytes: number) => void) | undefined;
  signal?: AbortSignal | undefined;
}

const CHUNK_BYTES = 4 * 1024 * 1024;

/** Lower-case hexadecimal. Throws `cancelled` when `signal` aborts. */
export async function hashFile(path: string, { onProgress, signal }: HashOptions = {}): Promise<string> {
  const hash = createHash('sha256');
  let doneBytes = 0;
  try {
    for await (const chunk of createReadStream(path, {
      highWaterMark: CHUNK_BYTES,
      ...(signal && { signal }),
    })) {
      hash.update(chunk as Buffer);
      doneBytes += (chunk as Buffer).length;
      onProgress?.(doneBytes);
    }
  } catch (error) {
    throw signal?.aborted ? cancelled() : error;
  }
  return hash.digest('hex');
}
