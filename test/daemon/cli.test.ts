/** The command line as a process: exit codes, signals and closed pipes. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { until } from '../support/daemons.ts';
import { writeTinyModel } from '../support/tiny-folder.ts';

const CLI = join(__dirname, '..', '..', 'src', 'cli.ts');
const ENGINE = ['--model', 'tiny', '--variant', 'fp32', '--context', '1024', '--threads', '1'];
/** Never ends by itself within the test. */
const ENDLESS = ['generate', 'the quick', '--temperature', '1', '-n', '900', ...ENGINE];

describe('daemon: the command line as a process', () => {
  let home: string;

  before(async () => {
    home = mkdtempSync(join(tmpdir(), 'moebius-cli-'));
    const folder = join(home, 'models', 'tiny', 'fp32');
    mkdirSync(folder, { recursive: true });
    await writeTinyModel(folder);
  });
  after(() => rmSync(home, { recursive: true, force: true }));

  type OnChild = (child: ReturnType<typeof spawn>) => unknown;
  /** `onOutput` sees the child when it first writes to stdout. */
  const run = (args: string[], onOutput: OnChild = () => {}, onStart: OnChild = () => {}) =>
    new Promise<{ code: number | null; stdout: string; stderr: string }>(resolve => {
      const child = spawn(process.execPath, ['--import', 'tsx', CLI, ...args], {
        env: { ...process.env, MOEBIUS_HOME: home },
        stdio: ['ignore', 'pipe', 'pipe'],
      });
      onStart(child);
      let [stdout, stderr] = ['', ''];
      child.stdout.on('data', chunk => {
        if (stdout === '') onOutput(child);
        stdout += chunk;
      });
      child.stderr.on('data', chunk => {
        stderr += chunk;
      });
      child.on('close', code => resolve({ code, stdout, stderr }));
    });

  it('ends with 0 and writes nothing but the answer', async () => {
    const { code, stdout, stderr } = await run(['generate', 'the quick', '-n', '3', ...ENGINE]);
    assert.deepEqual([code, stderr], [0, '']);
    assert.ok(stdout.endsWith('\n'));
  });

  it('ends with 1 and one sentence when it fails', async () => {
    const { code, stderr } = await run(['model', 'info', 'nothing']);
    assert.equal(code, 1);
    assert.match(stderr, /^error: .*not installed/);
    assert.doesNotMatch(stderr, /\n\s+at /);
  });

  it('ends with 2 when it is used wrongly', async () => {
    assert.equal((await run(['generate', '--threads', 'many'])).code, 2);
    assert.equal((await run(['sing'])).code, 2);
  });

  it('ends with 130 after an interrupt', async () => {
    const { code, stderr } = await run(ENDLESS, child => child.kill('SIGINT'));
    assert.deepEqual([code, stderr], [130, 'Cancelled.\n']);
  });

  it('ends with 130 after an interrupt while it loads', async function () {
    this.timeout(120_000);
    // Where else could one see from outside that it does?
    if (process.platform !== 'linux') this.skip();
    const folder = join(home, 'models', 'slow', 'fp32');
    mkdirSync(folder, { recursive: true });
    await writeTinyModel(folder, { layers: 48 });
    const hasRuntime = (pid: number) => readFileSync(`/proc/${pid}/maps`, 'latin1').includes('onnxruntime');
    for (const afterMs of [0, 100, 200, 300]) {
      const interrupt: OnChild = async child => {
        await until(() => hasRuntime(child.pid!), 20_000);
        setTimeout(() => child.kill('SIGINT'), afterMs);
      };
      const { code, stderr } = await run([...ENDLESS, '--model', 'slow'], undefined, interrupt);
      assert.deepEqual([code, stderr], [130, 'Cancelled.\n'], `${afterMs} ms`);
    }
  });

  it('ends quietly when nobody reads', async () => {
    const { code, stderr } = await run(ENDLESS, child => child.stdout?.destroy());
    assert.deepEqual([code, stderr], [0, '']);
  });
});
