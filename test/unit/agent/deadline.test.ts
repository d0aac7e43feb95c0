import assert from 'node:assert/strict';
import type { AgentOptions } from '../../../src/agent/agent.ts';
import { withDeadline } from '../../../src/agent/deadline.ts';
import type { ApprovalRequest } from '../../../src/agent/ports.ts';
import { FakeClock } from '../../support/fake-clock.ts';
import { memoryPorts } from '../../support/memory-ports.ts';

describe('the time of a task', () => {
  const signal = new AbortController().signal;
  const HOUR = 60 * 60_000;
  /** A user, and a server that asks them, who take their time. */
  const open = (timeMs = HOUR) => {
    const clock = new FakeClock();
    const wait = () => clock.advance(5 * HOUR);
    const ports = memoryPorts(new Map(), { clock });
    const slow = {
      ...ports,
      approval: { ask: () => wait().then(() => ({ kind: 'once' }) as const) },
      questions: { ask: () => wait().then(() => 'blue') },
      mcp: {
        list: () => wait().then(() => ({ tools: [], problems: [] })),
        call: async () => ({ ok: true, text: '' }),
      },
    };
    const takeBackTorn = () => wait().then(() => []);
    const options = { budget: { timeMs }, ports: slow, signal, takeBackTorn };
    return { clock, options: options as unknown as AgentOptions };
  };

  it('does not pass while the user is waited for', async () => {
    const { clock, options } = open();
    await withDeadline(options, async ({ ports, signal, takeBackTorn }, isTimeUp) => {
      await clock.advance(HOUR / 2);
      await ports.approval.ask({} as ApprovalRequest, signal);
      assert.equal(await ports.questions.ask('?', [], signal), 'blue');
      await ports.mcp!.list(signal);
      await takeBackTorn!(true);
      await Promise.all([ports.questions.ask('?', [], signal), ports.questions.ask('?', [], signal)]);
      assert.ok(!signal.aborted, 'the questions took hours');
      await clock.advance(HOUR / 2 - 1);
      assert.ok(!signal.aborted);
      await clock.advance(1);
      assert.ok(signal.aborted && isTimeUp(), 'the rest of the hour is worked off');
    });
  });

  it('ends with the task, also where that did not wait for an answer', async () => {
    const { clock, options } = open();
    let signal: AbortSignal | null = null;
    await withDeadline(options, async timed => {
      signal = timed.signal;
      void timed.ports.questions.ask('?', [], signal);
    });
    await clock.advance(9 * HOUR);
    assert.equal(signal!.aborted, false);
  });
});
