import assert from 'node:assert/strict';
import { Deferred } from '../../../src/base/deferred.ts';
import { MoebiusError } from '../../../src/base/errors.ts';
import { type Lane, Scheduler } from '../../../src/daemon/scheduler.ts';
import { FakeClock, settle } from '../../support/fake-clock.ts';

interface Arrival {
  name: string;
  lane: Lane;
  /** Step of the whole run at which it arrives. */
  at: number;
  steps: number;
  sequence?: string;
  /** Step at which its client cancels it. */
  cancelAt?: number;
}

/** Plays arrivals against the scheduler, one step of work (10 ms) a round; returns who did each step and how all ended. */
async function play(
  arrivals: Arrival[],
): Promise<{ trace: string; ends: string; waited: Record<string, number> }> {
  const clock = new FakeClock();
  const scheduler = new Scheduler(clock);
  const trace: string[] = [];
  const ends: string[] = [];
  const waited: Record<string, number> = {};
  let gate = new Deferred<void>();
  const aborts = new Map<string, AbortController>();
  const running: Promise<void>[] = [];
  const start = ({ name, lane, steps, sequence = name }: Arrival) => {
    const abort = new AbortController();
    aborts.set(name, abort);
    const work = scheduler.run({
      lane,
      sequence,
      signal: abort.signal,
      run: async slot => {
        for (let i = 0; i < steps; i++) {
          await slot.turn();
          trace.push(name);
          await gate.promise;
        }
        waited[name] = slot.waitedMs;
      },
    });
    running.push(
      work.then(
        () => void ends.push(`${name} done`),
        error => void ends.push(`${name} ${error.code}`),
      ),
    );
  };
  for (let round = 0; round < 60; round++) {
    for (const arrival of arrivals) {
      if (arrival.at === round) start(arrival);
      if (arrival.cancelAt === round) aborts.get(arrival.name)!.abort();
    }
    // What arrives in this round is there before the step of the last round ends.
    const released = gate;
    gate = new Deferred();
    released.resolve();
    await settle();
    await clock.advance(10);
    if (scheduler.isIdle && round > Math.max(...arrivals.map(arrival => arrival.at))) break;
  }
  await Promise.all(running);
  return { trace: trace.join(' '), ends: ends.join(', '), waited };
}

describe('daemon scheduler', () => {
  const check = (name: string, arrivals: Arrival[], trace: string, ends: string) =>
    it(name, async () => {
      const result = await play(arrivals);
      assert.deepEqual({ trace: result.trace, ends: result.ends }, { trace, ends });
    });

  check('runs one alone', [{ name: 'a', lane: 'chat', at: 0, steps: 3 }], 'a a a', 'a done');
  check(
    'runs chats one after the other, in their order',
    [
      { name: 'a', lane: 'chat', at: 0, steps: 2 },
      { name: 'b', lane: 'chat', at: 0, steps: 2 },
    ],
    'a a b b',
    'a done, b done',
  );
  check(
    'holds a chat while a completion runs, then goes on with it',
    [
      { name: 'chat', lane: 'chat', at: 0, steps: 4 },
      { name: 'fim', lane: 'completion', at: 2, steps: 2 },
    ],
    'chat chat fim fim chat chat',
    'fim done, chat done',
  );
  check(
    'goes by lane among those that wait',
    [
      { name: 'first', lane: 'background', at: 0, steps: 2 },
      { name: 'bg', lane: 'background', at: 1, steps: 1 },
      { name: 'chat', lane: 'chat', at: 1, steps: 2 },
      { name: 'fim', lane: 'completion', at: 1, steps: 1 },
    ],
    'first fim chat chat first bg',
    'fim done, chat done, first done, bg done',
  );
  check(
    'replaces a waiting and a running completion of the same sequence by the newest',
    [
      { name: 'a', lane: 'completion', at: 0, steps: 9, sequence: 'fim' },
      { name: 'b', lane: 'completion', at: 1, steps: 9, sequence: 'fim' },
      { name: 'c', lane: 'completion', at: 1, steps: 2, sequence: 'fim' },
    ],
    'a c c',
    'b cancelled, a cancelled, c done',
  );
  check(
    'keeps completions of different sequences, the newest first',
    [
      { name: 'chat', lane: 'chat', at: 0, steps: 2 },
      { name: 'a', lane: 'completion', at: 1, steps: 1 },
      { name: 'b', lane: 'completion', at: 1, steps: 2 },
    ],
    'chat b b a chat',
    'b done, a done, chat done',
  );
  check(
    'never lets two requests use one sequence at the same time: the held one goes first',
    [
      { name: 'bg', lane: 'background', at: 0, steps: 3, sequence: 's' },
      { name: 'other', lane: 'chat', at: 1, steps: 1 },
      { name: 'chat', lane: 'chat', at: 1, steps: 2, sequence: 's' },
    ],
    'bg other bg bg chat chat',
    'other done, bg done, chat done',
  );
  check(
    'holds idle work for anything else, then goes on with it',
    [
      { name: 'ahead', lane: 'idle', at: 0, steps: 3, sequence: 'fim' },
      { name: 'bg', lane: 'background', at: 1, steps: 2 },
      { name: 'chat', lane: 'chat', at: 2, steps: 1 },
    ],
    'ahead bg chat bg ahead ahead',
    'chat done, bg done, ahead done',
  );
  check(
    'replaces idle work by the completion it was done for, and by newer idle work',
    [
      { name: 'old', lane: 'idle', at: 0, steps: 9, sequence: 'fim' },
      { name: 'ahead', lane: 'idle', at: 1, steps: 9, sequence: 'fim' },
      { name: 'type', lane: 'completion', at: 3, steps: 2, sequence: 'fim' },
    ],
    'old ahead ahead type type',
    'old cancelled, ahead cancelled, type done',
  );
  check(
    'replaces idle work that is held for a chat, and does not let it go first',
    [
      { name: 'ahead', lane: 'idle', at: 0, steps: 9, sequence: 'fim' },
      { name: 'chat', lane: 'chat', at: 1, steps: 4 },
      { name: 'type', lane: 'completion', at: 3, steps: 2, sequence: 'fim' },
    ],
    'ahead chat chat chat type type chat',
    'ahead cancelled, type done, chat done',
  );
  check(
    'lets a running completion end before idle work for the next one',
    [
      { name: 'type', lane: 'completion', at: 0, steps: 3, sequence: 'fim' },
      { name: 'ahead', lane: 'idle', at: 1, steps: 1, sequence: 'fim' },
    ],
    'type type type ahead',
    'type done, ahead done',
  );
  check(
    'gives up what is written ahead for a chat and for background work, of any sequence',
    [
      { name: 'ahead', lane: 'ahead', at: 0, steps: 9, sequence: 'fim' },
      { name: 'chat', lane: 'chat', at: 1, steps: 1 },
      { name: 'again', lane: 'ahead', at: 4, steps: 9, sequence: 'fim' },
      { name: 'bg', lane: 'background', at: 5, steps: 1 },
    ],
    'ahead chat again bg',
    'ahead cancelled, chat done, again cancelled, bg done',
  );
  check(
    'writes nothing ahead beside a chat, not even one that is held',
    [
      { name: 'chat', lane: 'chat', at: 0, steps: 4 },
      { name: 'ahead', lane: 'ahead', at: 1, steps: 1, sequence: 'fim' },
      { name: 'type', lane: 'completion', at: 2, steps: 2, sequence: 'fim' },
      { name: 'again', lane: 'ahead', at: 3, steps: 1, sequence: 'other' },
    ],
    'chat chat type type chat chat',
    'ahead cancelled, again cancelled, type done, chat done',
  );
  check(
    'replaces what is written ahead by the completion that is asked for, holds it for others and reads ahead after it',
    [
      { name: 'old', lane: 'ahead', at: 0, steps: 9, sequence: 'fim' },
      { name: 'type', lane: 'completion', at: 1, steps: 1, sequence: 'fim' },
      { name: 'ahead', lane: 'ahead', at: 3, steps: 3, sequence: 'fim' },
      { name: 'read', lane: 'idle', at: 3, steps: 1, sequence: 'fim' },
      { name: 'other', lane: 'completion', at: 4, steps: 2 },
    ],
    'old type ahead other other ahead ahead read',
    'old cancelled, type done, other done, ahead done, read done',
  );
  check(
    'forgets a waiting request that is cancelled',
    [
      { name: 'a', lane: 'chat', at: 0, steps: 3 },
      { name: 'b', lane: 'chat', at: 0, steps: 3, cancelAt: 1 },
    ],
    'a a a',
    'b cancelled, a done',
  );
  check(
    'frees the place of a running request that is cancelled',
    [
      { name: 'a', lane: 'chat', at: 0, steps: 9, cancelAt: 2 },
      { name: 'b', lane: 'chat', at: 0, steps: 1 },
    ],
    'a a b',
    'a cancelled, b done',
  );
  check(
    'cancels a held request without waiting for its turn',
    [
      { name: 'chat', lane: 'chat', at: 0, steps: 9, cancelAt: 2 },
      { name: 'fim', lane: 'completion', at: 1, steps: 3 },
    ],
    'chat fim fim fim',
    'chat cancelled, fim done',
  );

  it('measures the time a request waited, before the start and while it was held', async () => {
    const { waited } = await play([
      { name: 'first', lane: 'chat', at: 0, steps: 2 },
      { name: 'chat', lane: 'chat', at: 0, steps: 2 },
      { name: 'fim', lane: 'completion', at: 3, steps: 4 },
    ]);
    assert.deepEqual(waited, { first: 0, chat: 60, fim: 0 });
  });

  it('tells positions, and refuses more than it can hold', async () => {
    const scheduler = new Scheduler(new FakeClock());
    const gate = new Deferred<void>();
    const positions: number[] = [];
    const jobs = Array.from({ length: 65 }, (_, i) =>
      scheduler.run({
        lane: 'chat',
        sequence: `s${i}`,
        signal: new AbortController().signal,
        ...(i === 3 && { onQueued: (position: number) => void positions.push(position) }),
        run: () => gate.promise,
      }),
    );
    const { signal } = new AbortController();
    const extra = scheduler.run({ lane: 'chat', sequence: 'x', signal, run: () => gate.promise });
    await assert.rejects(extra, { code: 'busy' });
    gate.resolve();
    await Promise.all(jobs);
    assert.deepEqual(positions, [3, 2, 1]);
  });

  it('drains: everything ends with the reason, and not before the running one has ended', async () => {
    const scheduler = new Scheduler(new FakeClock());
    const { signal } = new AbortController();
    const gate = new Deferred<void>();
    const ends: string[] = [];
    for (const name of ['running', 'queued']) {
      const job = { lane: 'chat' as const, sequence: name, signal, run: () => gate.promise };
      scheduler.run(job).catch(error => ends.push(`${name}: ${error.message}`));
    }
    await settle();
    const drained = scheduler
      .drain(new MoebiusError('cancelled', 'going down'))
      .then(() => ends.push('drained'));
    await settle();
    assert.deepEqual(ends, ['queued: going down']);
    gate.resolve();
    await drained;
    assert.deepEqual(ends, ['queued: going down', 'running: going down', 'drained']);
  });
});
