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
