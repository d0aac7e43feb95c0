/** The API for other extensions, over the daemon's own scheduler. */
import assert from 'node:assert/strict';
import type { Backend } from '../../../src/backends/backend.ts';
import { Scheduler } from '../../../src/daemon/scheduler.ts';
import { createApi } from '../../../src/host/api.ts';
import { FakeClock, settle } from '../../support/fake-clock.ts';

const USAGE = { promptTokens: 1, reusedTokens: 0, outputTokens: 1, queueMs: 0, prefillMs: 1, decodeMs: 1 };

describe('host/api', () => {
  const scheduler = new Scheduler(new FakeClock());
  const completed: string[] = [];
  const backend = {
    complete: ({ prefix, sequence = '' }, { signal = new AbortController().signal } = {}) =>
      scheduler.run({
        ...{ lane: 'completion', sequence, signal },
        async run() {
          completed.push(prefix);
          await settle();
          return { text: `${prefix}!`, finish: 'stop', usage: USAGE, meanLogProb: 0 };
        },
      }),
  } satisfies Partial<Backend> as unknown as Backend;
  const api = createApi(backend, '1.0.0');
  const complete = (prefix: string, signal?: AbortSignal) =>
    api.completeCode({ prefix, suffix: '', ...(signal && { signal }) });

  it('answers every completion, also those that are asked for together', async () => {
    assert.deepEqual(await Promise.all(['a', 'b', 'c'].map(prefix => complete(prefix))), ['a!', 'b!', 'c!']);
  });

  it('gives one up at once that waits, and answers the others', async () => {
    completed.length = 0;
    const abort = new AbortController();
    const [first, second, third] = [complete('a'), complete('b', abort.signal), complete('c')];
    abort.abort();
    await assert.rejects(second, { code: 'cancelled' });
    assert.deepEqual([await first, await third], ['a!', 'c!']);
    assert.deepEqual(completed, ['a', 'c']);
  });
});
