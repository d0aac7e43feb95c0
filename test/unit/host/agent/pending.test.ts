import assert from 'node:assert/strict';
import { Pending } from '../../../../src/host/agent/pending.ts';

describe('host/agent/pending', () => {
  it('gives what was decided to whoever waits for it, once', async () => {
    const pending = new Pending<string>();
    const waits = pending.wait('a', new AbortController().signal);
    assert.equal(pending.settle('b', 'no'), false);
    assert.equal(pending.settle('a', 'yes'), true);
    assert.equal(pending.settle('a', 'again'), false);
    assert.equal(await waits, 'yes');
  });

  it('ends when it is stopped; a decision then is too late', async () => {
    const pending = new Pending<string>();
    const controller = new AbortController();
    const waits = pending.wait('a', controller.signal);
    controller.abort();
    await assert.rejects(waits, { code: 'cancelled' });
    assert.equal(pending.settle('a', 'yes'), false);
    await assert.rejects(pending.wait('a', controller.signal), { code: 'cancelled' });
  });
});
