/** A job for quiet times: when it begins, when it gives way, when it is over. */
import assert from 'node:assert/strict';
import { IdleTask } from '../../../src/daemon/idle-task.ts';
import { FakeClock, settle } from '../../support/fake-clock.ts';

function setUp(run?: (signal: AbortSignal) => Promise<void>) {
  const clock = new FakeClock();
  const state = { isBusy: false, runs: 0, aborts: 0, logged: [] as string[], finish: () => {} };
  const task = new IdleTask({
    clock,
    quietMs: 100,
    isBusy: () => state.isBusy,
    run:
      run ??
      (signal =>
        new Promise((resolve, reject) => {
          state.runs++;
          state.finish = resolve;
          signal.addEventListener('abort', () => {
            state.aborts++;
            reject(new Error('aborted'));
          });
        })),
    log: message => state.logged.push(message),
  });
  const become = async (isBusy: boolean) => {
    state.isBusy = isBusy;
    task.noteChange();
    await settle();
  };
  return { clock, state, task, become };
}

describe('daemon: idle task', () => {
  it('begins after a quiet while, and is done once', async () => {
    const { clock, state, task, become } = setUp();
    await become(false);
    await clock.advance(99);
    assert.equal(state.runs, 0);
    await clock.advance(1);
    assert.equal(state.runs, 1);
    state.finish();
    await settle();
    task.noteChange();
    await clock.advance(1000);
    assert.equal(state.runs, 1);
  });

  it('waits for another quiet while when there was work in this one', async () => {
    const { clock, state, become } = setUp();
    await become(false);
    await clock.advance(90);
    await become(true);
    await clock.advance(1000);
    assert.equal(state.runs, 0);
    await become(false);
    await clock.advance(100);
    assert.equal(state.runs, 1);
  });

  it('gives way to work and begins again after it', async () => {
    const { clock, state, become } = setUp();
    await become(false);
    await clock.advance(100);
    await become(true);
    assert.deepEqual([state.aborts, state.logged], [1, []]);
    await clock.advance(1000);
    assert.equal(state.runs, 1);
    await become(false);
    await clock.advance(100);
    assert.equal(state.runs, 2);
  });

  it('is not tried again when it failed by itself, and says why', async () => {
    let runs = 0;
    const { clock, state, task, become } = setUp(async () => {
      runs++;
      throw new Error('no kernel');
    });
    await become(false);
    await clock.advance(100);
    task.noteChange();
    await clock.advance(1000);
    assert.deepEqual([runs, state.logged], [1, ['no kernel']]);
  });

  it('ends with the daemon', async () => {
    const { clock, state, task, become } = setUp();
    await become(false);
    await clock.advance(100);
    await task.dispose();
    await clock.advance(1000);
    assert.deepEqual([state.runs, state.aborts], [1, 1]);
    await task.dispose();
  });

  it('has ended only when what runs has', async () => {
    let end = () => {};
    const { clock, task, become } = setUp(
      () => new Promise((_, reject) => (end = () => reject(new Error()))),
    );
    await become(false);
    await clock.advance(100);
    let hasEnded = false;
    const ended = task.dispose().then(() => (hasEnded = true));
    await settle();
    assert.equal(hasEnded, false);
    end();
    assert.equal(await ended, true);
  });
});
