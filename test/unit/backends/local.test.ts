import assert from 'node:assert/strict';
import { PassThrough } from 'node:stream';
import { LocalBackend } from '../../../src/backends/local.ts';
import { Deferred } from '../../../src/base/deferred.ts';
import type { GenerateEvent, GenerateResult } from '../../../src/protocol/daemon.ts';
import type { ClientPeer, DaemonPeer } from '../../../src/rpc/daemon-peer.ts';
import { Peer } from '../../../src/rpc/peer.ts';
import { settle } from '../../support/fake-clock.ts';

const RESULT: GenerateResult = {
  text: '',
  finish: 'stop',
  usage: { promptTokens: 1, reusedTokens: 0, outputTokens: 1, queueMs: 0, prefillMs: 1, decodeMs: 1 },
};

function connect(): { peer: DaemonPeer; daemon: ClientPeer } {
  const [up, down] = [new PassThrough(), new PassThrough()];
  return { peer: new Peer(down, up), daemon: new Peer(up, down) };
}

describe('local backend', () => {
  it('gives every request the events that are its own', async () => {
    const { peer, daemon } = connect();
    daemon.onRequest('generate', async raw => {
      const { requestId, prompt } = raw as { requestId: string; prompt: string };
      await settle();
      for (let i = 0; i < 3; i++) {
        await daemon.notify('generate/event', { requestId, event: { type: 'text', text: `${prompt}${i}` } });
      }
      return { ...RESULT, text: prompt };
    });
    const backend = new LocalBackend(async () => peer);
    const heard = ['a', 'b', 'c'].map(prompt => {
      const events: GenerateEvent[] = [];
      const answer = backend.generate({ prompt }, { onEvent: event => events.push(event) });
      return answer.then(({ text }) => [
        text,
        events.map(event => (event.type === 'text' ? event.text : '')).join(),
      ]);
    });
    assert.deepEqual(await Promise.all(heard), [
      ['a', 'a0,a1,a2'],
      ['b', 'b0,b1,b2'],
      ['c', 'c0,c1,c2'],
    ]);
  });

  it('cancels at once and drops what comes later', async () => {
    const { peer, daemon } = connect();
    const started = new Deferred<string>();
    const ended = new Deferred<void>();
    daemon.onRequest('generate', async (raw, signal) => {
      const { requestId } = raw as { requestId: string };
      started.resolve(requestId);
      await new Promise(resolve => signal.addEventListener('abort', resolve));
      await daemon.notify('generate/event', { requestId, event: { type: 'text', text: 'late' } });
      ended.resolve();
      return RESULT;
    });
    const abort = new AbortController();
    const events: GenerateEvent[] = [];
    const backend = new LocalBackend(async () => peer);
    const answer = backend.generate(
      { prompt: '' },
      { signal: abort.signal, onEvent: event => events.push(event) },
    );
    await started.promise;
    abort.abort();
    await assert.rejects(answer, { code: 'cancelled' });
    await ended.promise;
    await settle();
    assert.deepEqual(events, []);
  });

  it('can be cancelled while the daemon is still starting', async () => {
    const backend = new LocalBackend(() => new Promise(() => undefined));
    const abort = new AbortController();
    const answer = backend.complete({ prefix: '', suffix: '' }, { signal: abort.signal });
    abort.abort();
    await assert.rejects(answer, { code: 'cancelled' });
  });

  it('uses the connection of the moment', async () => {
    const connections = [connect(), connect()];
    connections.forEach(({ daemon }, tokens) => {
      daemon.onRequest('tokens/count', async () => ({ tokens }));
    });
    let next = 0;
    const backend = new LocalBackend(async () => connections[next++]!.peer);
    assert.deepEqual(
      [await backend.count({ text: '' }), await backend.count({ text: '' })],
      [{ tokens: 0 }, { tokens: 1 }],
    );
  });
});
