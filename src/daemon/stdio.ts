import { Writable } from 'node:stream';

/**
 * Makes `stdout` the wire's alone. Whatever else writes to it (`console.log` in a library, say) lands on `stderr`: one
 * stray line between two messages would end the connection. Returns the stream that still reaches it.
 */
export function takeStdout(stdout: NodeJS.WriteStream, stderr: NodeJS.WriteStream): Writable {
  const write = stdout.write.bind(stdout) as (chunk: Buffer, done: (error?: Error | null) => void) => boolean;
  stdout.write = stderr.write.bind(stderr) as typeof stdout.write;
  const wire = new Writable({ write: (chunk: Buffer, _encoding, done) => void write(chunk, done) });
  stdout.on('error', error => wire.destroy(error));
  return wire;
}
