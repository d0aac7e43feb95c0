import assert from 'node:assert/strict';
import { whileStopped } from '../../../../src/host/models/while-stopped.ts';

describe('work while the daemon is stopped', () => {
  const done: string[] = [];
  const note = (what: string) => async () => void done.push(what);
  const daemon = { stop: note('stop'), restart: note('restart') };
  beforeEach(() => void done.splice(0));

  it('is done in between', async () => {
    await whileStopped(daemon, note('work'));
    assert.deepEqual(done, ['stop', 'work', 'restart']);
  });

  it('leaves the daemon started also where it failed, and says why it did', async () => {
    const failed = whileStopped(daemon, () => Promise.reject(new Error('in use')));
    await assert.rejects(failed, { message: 'in use' });
    assert.deepEqual(done, ['stop', 'restart']);
  });
});
