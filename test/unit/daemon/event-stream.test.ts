import assert from 'node:assert/strict';
import { Deferred } from '../../../src/base/deferred.ts';
import { EventStream } from '../../../src/daemon/event-stream.ts';
import type { GenerateEvent, ToolCall } from '../../../src/protocol/daemon.ts';

describe('event stream', () => {
  it('merges what waits for a slow client, but loses no call', async () => {
    const gate = new Deferred<void>();
    const sent: GenerateEvent[] = [];
    const stream = new EventStream(async event => {
      sent.push(event);
      await gate.promise;
    });
    const call = (name: string): ToolCall => ({ kind: 'call', name, arguments: {} });
    const events: GenerateEvent[] = [
      { type: 'text', text: 'a' },
      { type: 'text', text: 'b' },
      { type: 'text', text: 'c' },
      { type: 'call', call: call('x') },
      { type: 'call', call: call('y') },
    ];
    for (const event of events) stream.push(event);
    gate.resolve();
    await stream.drained();
    assert.deepEqual(sent, [events[0], { type: 'text', text: 'bc' }, events[3], events[4]]);
  });
});
