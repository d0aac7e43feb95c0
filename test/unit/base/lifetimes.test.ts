import assert from 'node:assert/strict';
import { orAborted } from '../../../src/base/abort.ts';
import { DisposableBag } from '../../../src/base/disposable.ts';
import { Emitter } from '../../../src/base/emitter.ts';
import { Mutex } from '../../../src/base/mutex.ts';
import { Throttle } from '../../../src/base/throttle.ts';
import { FakeClock } from '../../support/fake-clock.ts';

describe('base', () => {
  it('a bag disposes in reverse order, once, and what comes too late at once', () => {
    const seen: number[] = [];
    const item = (n: number) => ({ dispose: () => void seen.push(n) });
    const bag = new DisposableBag();
    bag.add(item(1));
    bag.add(item(2));
    bag.dispose();
    bag.dispose();
    bag.add(item(3));
    assert.deepEqual(seen, [2, 1, 3]);
  });

  it('an emitter serves everyone who is still listening', () => {
    const seen: string[] = [];
    const emitter = new Emitter<number>();
    const listener = (n: number) => void seen.push(`a${n}`);
    const first = emitter.event(listener);
    emitter.event(listener);
    emitter.fire(1);
    first.dispose();
    emitter.fire(2);
    emitter.dispose();
    emitter.fire(3);
    assert.deepEqual(seen, ['a1', 'a1', 'a2']);
  });

  it('a mutex runs sections one after the other, past those that fail', async () => {
    const mutex = new Mutex();
    const seen: string[] = [];
    const section = (name: string) => async () => {
      seen.push(`${name} in`);
      await new Promise(resolve => setImmediate(resolve));
      seen.push(`${name} out`);
      if (name === 'b') throw new Error('b failed');
      return name;
    };
    const results = await Promise.allSettled(['a', 'b', 'c'].map(name => mutex.run(section(name))));
    assert.deepEqual(seen, ['a in', 'a out', 'b in', 'b out', 'c in', 'c out']);
    assert.deepEqual(
      results.map(result => result.status),
      ['fulfilled', 'rejected', 'fulfilled'],
    );
  });

  it('a throttle acts at once, then rarely, and never loses the last call', async () => {
    const clock = new FakeClock();
    const times: number[] = [];
    const throttle = new Throttle(clock, 100, () => times.push(clock.now()));
    throttle.call();
    throttle.call();
    await clock.advance(50);
    throttle.call();
    await clock.advance(200);
    throttle.call();
    throttle.call();
    throttle.dispose();
    await clock.advance(500);
    assert.deepEqual(times, [0, 100, 250]);
  });

  it('orAborted settles with whichever comes first', async () => {
    const never = new Promise<number>(() => undefined);
    const abort = new AbortController();
    const waiting = orAborted(never, abort.signal);
    abort.abort();
    await assert.rejects(waiting, { code: 'cancelled' });
    await assert.rejects(orAborted(never, AbortSignal.abort()), { code: 'cancelled' });
    assert.equal(await orAborted(Promise.resolve(1), new AbortController().signal), 1);
    assert.equal(await orAborted(Promise.resolve(2), undefined), 2);
  });
});
