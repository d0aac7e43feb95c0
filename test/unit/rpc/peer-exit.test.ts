import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { join } from 'node:path';

/** Counted from where all is done. Below the reader's timer of 10 s, which kept the process alive for ever. */
const LIMIT_MS = 8000;

describe('rpc peer: the end of the process', () => {
  it('is not held up by a stream that ended inside a message', async () => {
    const script = join(__dirname, '../../fixtures/rpc/half-message.ts');
    const child = spawn(process.execPath, ['--import', 'tsx', script], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    let output = '';
    let kill: NodeJS.Timeout | undefined;
    child.stdout.on('data', chunk => {
      output += chunk;
      kill ??= setTimeout(() => child.kill('SIGKILL'), LIMIT_MS);
    });
    const [code, signal] = await new Promise<[number | null, string | null]>(resolve =>
      child.once('close', (...end) => resolve(end)),
    );
    clearTimeout(kill);
    assert.deepEqual([code, signal, output], [0, null, 'closed\n']);
  });
});
