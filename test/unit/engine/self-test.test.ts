/** The order of the self-test's measurements, with a scripted worker; the kernels themselves: test/model. */
import assert from 'node:assert/strict';
import { mkdir, mkdtemp, readdir, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { runSelfTest, type SelfTestOptions, threadCounts } from '../../../src/engine/self-test.ts';
import { removeLeft } from '../../../src/engine/session/kernel-probe.ts';
import { throwIfStopped } from '../../../src/engine/session/stop-flag.ts';
import type { KernelSpeed, ProbeArgs } from '../../../src/engine/session/wire.ts';

type Worker = NonNullable<SelfTestOptions['worker']>;

function scripted(answer: (args: ProbeArgs) => KernelSpeed | null | Promise<KernelSpeed>) {
  const asked: string[] = [];
  let ends = 0;
  const worker = {
    request: async (_method: string, args: unknown) => {
      const { form, threads, stop } = args as ProbeArgs;
      throwIfStopped(stop);
      asked.push(`${form} ${threads}`);
      return { speed: await answer({ form, threads, stop }) };
    },
    terminate: async () => {
      ends++;
    },
  } as unknown as Worker;
  return { worker, asked, ends: () => ends };
}
const speed = (write: number): KernelSpeed => ({
  write,
  read: write,
  operatorSeconds: 1 / write,
  share: 1,
});

describe('engine: self-test', () => {
  it('tries all, a half, a quarter and one thread, and 8 bits with the best', async () => {
    const { worker, asked, ends } = scripted(({ threads }) => speed(threads === 4 ? 100 : 10));
    const result = await runSelfTest({ cores: 8, worker });
    assert.deepEqual(asked, ['int4 8', 'int4 4', 'int4 2', 'int4 1', 'int8 4', 'w8a8 4']);
    assert.equal(result.threads, 4);
    assert.deepEqual(result.int4, { write: 100, read: 100 });
    assert.equal(result.tried.length, 4);
    assert.equal(ends(), 1);
    assert.deepEqual(threadCounts(1), [1]);
    assert.deepEqual(threadCounts(2), [2, 1]);
  });

  it('says how busy the machine was at its busiest, whichever form was timed then', async () => {
    for (const busy of ['int4', 'int8', 'w8a8']) {
      const { worker } = scripted(({ form }) => ({ ...speed(10), share: form === busy ? 0.5 : 0.9 }));
      assert.equal((await runSelfTest({ cores: 1, worker })).share, 0.5, busy);
    }
    const worker = scripted(({ form }) => (form === 'w8a8' ? null : { ...speed(10), share: 0.9 })).worker;
    const { w8a8, share } = await runSelfTest({ cores: 1, worker });
    assert.deepEqual([w8a8, share], [null, 0.9]);
  });

  it('is cancelled by its signal', async () => {
    const abort = new AbortController();
    const { worker, asked, ends } = scripted(() => {
      abort.abort();
      return speed(1);
    });
    await assert.rejects(runSelfTest({ cores: 2, worker, signal: abort.signal }), { code: 'cancelled' });
    assert.ok(ends() > 0);
    await assert.rejects(runSelfTest({ worker, signal: abort.signal }), { code: 'cancelled' });
    assert.equal(asked.length, 1);
  });

  it('is given up on a machine that is too busy', async () => {
    const { worker, ends } = scripted(async () => {
      await new Promise(resolve => setTimeout(resolve, 30));
      return speed(1);
    });
    await assert.rejects(runSelfTest({ cores: 8, worker, limitMs: 5 }), {
      code: 'internal',
      message: /busy/,
    });
    assert.equal(ends(), 1);
  });

  it('removes the folders that it left when it was ended, and none of a probe that runs', async () => {
    const parent = await mkdtemp(join(tmpdir(), 'moebius-left-'));
    try {
      for (const name of ['moebius-probe-old', 'moebius-probe-new', 'other']) {
        await mkdir(join(parent, name));
        await writeFile(join(parent, name, 'int4.data'), '');
        if (!name.endsWith('new')) await utimes(join(parent, name), 0, 0);
      }
      await removeLeft(parent);
      assert.deepEqual((await readdir(parent)).sort(), ['moebius-probe-new', 'other']);
      await removeLeft(join(parent, 'missing'));
    } finally {
      await rm(parent, { recursive: true });
    }
  });

  it('says what a kernel says', async () => {
    const { worker } = scripted(() => {
      throw new Error('no such kernel');
    });
    await assert.rejects(runSelfTest({ worker }), /no such kernel/);
  });
});
