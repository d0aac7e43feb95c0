/** sha256 of a file of any size, or of a folder of them, in constant memory. */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { cancelled, MoebiusError } from '../base/errors.ts';

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

/**
 * The same of published weights: of the file, or over the names and hashes of the files in a folder of them.
 * Throws `not-found` where there is neither.
 */
export async function hashWeights(path: string, { onProgress, signal }: HashOptions = {}): Promise<string> {
  const found = await stat(path).catch(() => null);
  if (!found) throw new MoebiusError('not-found', `There is no file ${path}.`);
  if (found.isFile()) return hashFile(path, { onProgress, signal });
  const whole = createHash('sha256');
  let before = 0;
  for (const { name, sizeBytes } of await filesOf(path)) {
    const file = join(path, name);
    const done = before;
    whole.update(
      `${name} ${await hashFile(file, { onProgress: bytes => onProgress?.(done + bytes), signal })}\n`,
    );
    before += sizeBytes;
  }
  return whole.digest('hex');
}

/** Of the file, or of the files in a folder together; 0 where there is neither. */
export async function weightsBytes(path: string): Promise<number> {
  const found = await stat(path).catch(() => null);
  if (!found?.isDirectory()) return found?.isFile() ? found.size : 0;
  return (await filesOf(path)).reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
}

async function filesOf(folder: string): Promise<{ name: string; sizeBytes: number }[]> {
  const files: { name: string; sizeBytes: number }[] = [];
  for (const name of (await readdir(folder)).sort()) {
    const found = await stat(join(folder, name));
    if (found.isFile()) files.push({ name, sizeBytes: found.size });
  }
  return files;
}
