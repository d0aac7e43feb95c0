import assert from 'node:assert/strict';
import { ScriptedBackend } from '../../../src/backends/scripted.ts';

describe('scripted backend', () => {
  it('plays its list in pieces, then refuses', async () => {
    const backend = new ScriptedBackend([['Hel', 'lo'], 'x']);
    const heard: string[] = [];
    const onEvent = (event: { type: string; text?: string }) => void heard.push(event.text ?? '');
    assert.equal((await backend.generate({ prompt: 'a' }, { onEvent })).text, 'Hello');
    assert.deepEqual(heard, ['Hel', 'lo']);
    assert.equal((await backend.complete({ prefix: 'b', suffix: '' })).text, 'x');
    await assert.rejects(backend.generate({ prompt: 'c' }), { code: 'internal' });
    assert.deepEqual(
      backend.requests.map(request => request.kind),
      ['generate', 'complete', 'generate'],
    );
  });

  it('plays tool calls and a finish', async () => {
    const call = { kind: 'call', name: 'list', arguments: {} } as const;
    const answer = { text: 'a<call>', calls: [call], finish: 'length' } as const;
    const events = [{ type: 'text', text: 'a' } as const, { type: 'call', call } as const];
    const heard: unknown[] = [];
    const backend = new ScriptedBackend([{ ...answer, calls: [call], events }]);
    const result = await backend.generate({ prompt: '' }, { onEvent: event => heard.push(event) });
    assert.deepEqual([result.text, result.calls, result.finish], ['a<call>', [call], 'length']);
    assert.deepEqual(heard, events);
  });

  it('counts what tools add', async () => {
    const backend = new ScriptedBackend([]);
    const messages = [{ role: 'user' as const, content: 'a b c' }];
    const tools = [{ name: 'x', parameters: {} }];
    assert.equal((await backend.count({ messages })).tokens, 3);
    assert.ok((await backend.count({ messages, tools })).tokens > 3);
  });

  it('stops between two pieces when it is cancelled', async () => {
    const backend = new ScriptedBackend(() => ['a', 'b', 'c']);
    const abort = new AbortController();
    const heard: string[] = [];
    const answer = backend.generate(
      { prompt: '' },
      {
        signal: abort.signal,
        onEvent: event => {
          heard.push(event.type);
          abort.abort();
        },
      },
    );
    await assert.rejects(answer, { code: 'cancelled' });
    assert.equal(heard.length, 1);
  });
});
