import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Engine } from '../../../src/engine/engine.ts';
import type { FinishReason } from '../../../src/protocol/daemon.ts';
import { contenderOf } from '../../bench/moebius.ts';

/** Takes 40 ms to read, 60 to write, and says that the model ran for one of them. */
const engine = (outputTokens: number, finish: FinishReason) =>
  ({
    async generate(_params, { onEvent }) {
      onEvent({ type: 'prefill', done: 0, total: 10, reused: 0 });
      await sleep(40);
      onEvent({ type: 'prefill', done: 10, total: 10, reused: 0 });
      await sleep(60);
      const usage = {
        promptTokens: 10,
        reusedTokens: 0,
        outputTokens,
        queueMs: 0,
        prefillMs: 1,
        decodeMs: 1,
      };
      return { text: '', finish, usage };
    },
  }) as Partial<Engine> as Engine;

describe('Moebius as a contender', () => {
  it('counts as writing all that happens after reading, not only the runs of the model', async () => {
    const { steps, firstTokenMs, decodeMs } = await contenderOf(engine(3, 'length'), 'int4').write(
      '',
      3,
      'exact',
    );
    assert.equal(steps, 2);
    assert.ok(decodeMs >= 55, `writing: ${decodeMs} ms`);
    assert.ok(firstTokenMs >= 35, `first token: ${firstTokenMs} ms`);
  });

  it('counts the end token as one that was written', async () => {
    assert.equal((await contenderOf(engine(3, 'stop'), 'int4').write('', 9, 'exact')).steps, 3);
  });

  it('has a first token where that is all', async () => {
    const { steps, firstTokenMs, decodeMs } = await contenderOf(engine(1, 'length'), 'int4').write(
      '',
      1,
      'exact',
    );
    assert.deepEqual([steps, decodeMs], [0, 0]);
    assert.ok(firstTokenMs >= 95);
  });
});
