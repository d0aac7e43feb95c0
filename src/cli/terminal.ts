/** What a command may touch of the outside world: three streams, a signal, a folder. Tests hand in their own. */
import type { Readable, Writable } from 'node:stream';
import { visibleControls } from '../base/visible-text.ts';

export interface Terminal {
  stdin: Readable & { isTTY?: boolean };
  /** Results only, so that a pipe gets nothing else. */
  stdout: Writable & { isTTY?: boolean };
  /** Progress, hints, errors. */
  stderr: Writable & { isTTY?: boolean };
  /** Aborted by Ctrl+C. */
  signal: AbortSignal;
  /** Holds dist/ and models/, in the repository and in the installed extension. */
  packageFolder: string;
}

/** Writes and waits until the stream has room, so that a slow reader holds the producer back. */
export function write(stream: Writable, text: string): Promise<void> {
  return new Promise((resolve, reject) => {
    stream.write(text, error => (error ? reject(error) : resolve()));
  });
}

export const writeLine = (stream: Writable, text: string): Promise<void> => write(stream, `${text}\n`);

/**
 * Writes what a model or a file says. A terminal would obey the control characters in it, and could be made to hide what is asked
 * there; a pipe gets every byte.
 */
export function print(stream: Writable & { isTTY?: boolean }, text: string): void {
  stream.write(stream.isTTY ? visibleControls(text) : text);
}

/** Everything that is piped in, as UTF-8 text. */
export async function readAll(stream: Readable): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of stream) chunks.push(Buffer.from(chunk));
  return Buffer.concat(chunks).toString('utf8');
}
