import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { cleanEnvironment, runCommand } from '../../src/host/daemon/spawn.ts';
import { isAlive, until } from '../support/daemons.ts';

const folder = mkdtempSync(join(tmpdir(), 'moebius-spawn-'));

function script(name: string, text: string): string {
  const path = join(folder, name);
  writeFileSync(path, text);
  return path;
}

describe('starting processes', () => {
  it('keeps the editor out of the environment', () => {
    const env = {
      PATH: '/bin',
      VSCODE_PID: '1',
      VSCODE_IPC_HOOK: 'x',
      NODE_OPTIONS: '--inspect',
      HOME: '/h',
    };
    assert.deepEqual(cleanEnvironment(env), { PATH: '/bin', HOME: '/h' });
  });

  it('hands over every line that is JSON, in order', async () => {
    const messages: unknown[] = [];
    const text = `console.log('{"percent":1}'); console.log('not json'); console.log(JSON.stringify(process.argv.slice(2)))`;
    await runCommand({
      script: script('lines.js', text),
      args: ['a b', '"c"'],
      onMessage: message => messages.push(message),
    });
    assert.deepEqual(messages, [{ percent: 1 }, ['a b', '"c"']]);
  });

  it('fails in the words of the command', async () => {
    const failing = script('fail.js', `console.error('The disk is full.'); process.exitCode = 3`);
    await assert.rejects(runCommand({ script: failing }), { code: 'internal', message: 'The disk is full.' });
    const silent = script('silent.js', 'process.exitCode = 3');
    await assert.rejects(runCommand({ script: silent }), { message: 'The command ended with status 3.' });
  });

  it('fails where the system throws instead of starting it', async () => {
    await assert.rejects(runCommand({ script: 'x\0.js' }), { code: 'internal', message: /null bytes/ });
  });

  it('kills the command with everything it started', async () => {
    const pidFile = join(folder, 'pids');
    const tree = script(
      'tree.js',
      `const child = require('node:child_process').spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)']);
       require('node:fs').writeFileSync(${JSON.stringify(pidFile)}, process.pid + ' ' + child.pid);
       console.log('{"started":true}');
       setInterval(() => {}, 1000);`,
    );
    const abort = new AbortController();
    await assert.rejects(runCommand({ script: tree, signal: abort.signal, onMessage: () => abort.abort() }), {
      code: 'cancelled',
    });
    for (const pid of readFileSync(pidFile, 'utf8').split(' ').map(Number)) await until(() => !isAlive(pid));
    await assert.rejects(runCommand({ script: tree, signal: AbortSignal.abort() }), { code: 'cancelled' });
  });

  it('lets a command that is cancelled remove what it has half made, and kills one that does not end', async function () {
    if (process.platform === 'win32') this.skip();
    const [half, pidFile] = [join(folder, 'half'), join(folder, 'pid')];
    const running = (name: string, onTerminate: string) =>
      script(
        name,
        `const fs = require('node:fs');
         process.on('SIGTERM', () => { ${onTerminate} });
         fs.writeFileSync(${JSON.stringify(half)}, 'x');
         fs.writeFileSync(${JSON.stringify(pidFile)}, String(process.pid));
         console.log('{"started":true}');
         setInterval(() => {}, 1000);`,
      );
    const cancel = async (path: string) => {
      const abort = new AbortController();
      const onMessage = () => abort.abort();
      await assert.rejects(runCommand({ script: path, signal: abort.signal, onMessage }), {
        code: 'cancelled',
      });
    };
    await cancel(
      running('tidy.js', `setTimeout(() => { fs.rmSync(${JSON.stringify(half)}); process.exit(); }, 300)`),
    );
    assert.equal(existsSync(half), false);
    await cancel(running('deaf.js', ''));
    await until(() => !isAlive(Number(readFileSync(pidFile, 'utf8'))));
    assert.equal(existsSync(half), true);
  });
});
