/** Locks between processes. */
import assert from 'node:assert/strict';
import { mkdtemp, readdir, readFile, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { openStore, type Store } from '../../../src/models/store.ts';

let home: string;
let store: Store;
beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), 'moebius-store-'));
  store = await openStore(home);
});
afterEach(() => rm(home, { recursive: true, force: true }));

describe('models: lock', () => {
  const lockFile = () => join(home, 'locks/m.lock');

  it('is held by one at a time', async () => {
    const lock = await store.lock('m');
    await assert.rejects(store.lock('m'), {
      code: 'busy',
      message: new RegExp(`\\(${process.pid}\\) is working on m`),
    });
    await (await store.lock('other')).release();
    await lock.release();
    await (await store.lock('m')).release();
    assert.deepEqual(await readdir(dirname(lockFile())), []);
  });

  it('is taken over from a dead process, and from a silent one whose id lives on', async () => {
    await writeFile(lockFile(), '4194305 gone'); // above the largest process id of Linux
    await (await store.lock('m')).release();
    await writeFile(lockFile(), `${process.ppid} silent`);
    await assert.rejects(store.lock('m'), { code: 'busy' });
    const longAgo = new Date(Date.now() - 120_000);
    await utimes(lockFile(), longAgo, longAgo);
    await (await store.lock('m')).release();
  });

  it('goes to one of many who find it stale', async () => {
    await writeFile(lockFile(), '4194305 gone');
    const results = await Promise.allSettled(Array.from({ length: 8 }, () => store.lock('m')));
    assert.equal(results.filter(result => result.status === 'fulfilled').length, 1);
  });

  it('is not released by one who lost it', async () => {
    const lost = await store.lock('m');
    await writeFile(lockFile(), `${process.ppid} new owner`);
    await lost.release();
    assert.match(await readFile(lockFile(), 'utf8'), /new owner/);
  });
});
