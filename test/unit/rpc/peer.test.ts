import assert from 'node:assert/strict';
import { setImmediate as tick } from 'node:timers/promises';
import fc from 'fast-check';
import { Deferred } from '../../../src/base/deferred.ts';
import { type ErrorCode, MoebiusError } from '../../../src/base/errors.ts';
import { LIMITS } from '../../../src/protocol/daemon.ts';
import { connectPeers, frame } from '../../support/peers.ts';

const rejection = (promise: Promise<unknown>): Promise<MoebiusError> =>
  promise.then(
    () => assert.fail('should have rejected'),
    error => error,
  );
const never = () => new Promise<never>(() => undefined);

describe('rpc peer', () => {
  it('carries requests, answers and notifications', async () => {
    const { client, server } = connectPeers();
    server.onRequest('echo', async params => params as { text: string });
    const ticks: number[] = [];
    client.onNotification('tick', ({ n }) => ticks.push(n));
    for (let n = 0; n < 3; n++) await server.notify('tick', { n });
    assert.deepEqual(await client.request('echo', { text: 'é👍' }), { text: 'é👍' });
    assert.deepEqual(ticks, [0, 1, 2]);
  });

  describe('carries the error code both ways', () => {
    const codes: ErrorCode[] = ['cancelled', 'bad-request', 'model-missing', 'out-of-memory', 'internal'];
    for (const code of codes) {
      it(code, async () => {
        const { client, server } = connectPeers();
        server.onRequest('echo', () => Promise.reject(new MoebiusError(code, `about ${code}`)));
        const error = await rejection(client.request('echo', { text: '' }));
        assert.ok(error instanceof MoebiusError);
        assert.deepEqual([error.code, error.message], [code, `about ${code}`]);
      });
    }
  });

  it('says which method does not exist', async () => {
    const { client } = connectPeers();
    const error = await rejection(client.request('echo', { text: '' }));
    assert.deepEqual([error.code, error.message], ['unsupported', 'There is no method echo.']);
  });

  it('rejects everything pending with the explained reason when the stream ends', async () => {
    const { client, server, toClient } = connectPeers({
      explain: async cause => new MoebiusError('daemon-down', `explained: ${cause.message}`),
    });
    server.onRequest('wait', never);
    const pending = [1, 2, 3].map(id => rejection(client.request('wait', { id })));
    await tick();
    assert.deepEqual(client.pendingMethods, ['wait', 'wait', 'wait']);
    toClient.end();
    for (const error of await Promise.all(pending)) {
      assert.equal(error.code, 'daemon-down');
      assert.match(error.message, /^explained: The other side closed/);
    }
    assert.deepEqual(client.pendingMethods, []);
    assert.match((await rejection(client.request('wait', { id: 4 }))).message, /^explained/);
    await client.notify('nothing' as never, {} as never);
  });

  it('says that the connection is closed when a request can not be written any more', async () => {
    const { client, toServer } = connectPeers();
    // As a stream does between its end and the event that tells of it.
    toServer.write = (...args: unknown[]) => {
      const done = args.at(-1) as (error: Error) => void;
      done(new Error('Cannot call write after a stream was destroyed'));
      return false;
    };
    assert.equal((await rejection(client.request('echo', { text: '' }))).code, 'daemon-down');
  });

  it('rejects at once when it is closed from this side, and tells the handlers of the other', async () => {
    const { client, server, toServer } = connectPeers();
    const started = new Deferred<void>();
    let isAborted = false;
    server.onRequest('wait', async (_params, signal) => {
      started.resolve();
      await new Promise(resolve => signal.addEventListener('abort', resolve));
      isAborted = true;
      return { id: 0 };
    });
    const pending = rejection(client.request('wait', { id: 1 }));
    await started.promise;
    client.close(new MoebiusError('daemon-down', 'stopped'));
    assert.equal((await pending).message, 'stopped');
    toServer.end();
    for (let i = 0; i < 20 && !isAborted; i++) await tick();
    assert.ok(isAborted);
  });

  const fatal = (name: string, bytes: string, expected: RegExp) =>
    it(`dies, with the cause, of ${name}`, async () => {
      const { client, server, toClient } = connectPeers();
      server.onRequest('wait', never);
      const pending = rejection(client.request('wait', { id: 1 }));
      await tick();
      toClient.write(bytes);
      const error = await pending;
      assert.equal(error.code, 'format-invalid');
      assert.match(error.message, expected);
    });
  fatal('a stray line', 'Debugger attached.\n', /not a message header: "Debugger attached/);
  fatal('a giant message', 'Content-Length: 1000000000\r\n\r\n', /announces 1000000000 bytes/);
  fatal('an endless run of malformed messages', frame('{nope').repeat(11), /Too many malformed messages/);

  it('does not send a request that the other side would die of', async () => {
    const { client, server } = connectPeers();
    server.onRequest('echo', async params => params as { text: string });
    // A backslash takes two bytes.
    const sized = (bytes: number) => ({ text: '\\'.repeat(bytes / 2) });
    const error = await rejection(client.request('echo', sized(LIMITS.messageBytes)));
    assert.deepEqual([error.code, client.pendingMethods], ['bad-request', []]);
    assert.match(error.message, /^The request is too large: 16\.0 MB/);
    const most = sized(LIMITS.messageBytes - 400);
    assert.deepEqual(await client.request('echo', most), most);
  });

  it('survives a few malformed messages', async () => {
    const { client, server, toClient, toServer } = connectPeers();
    server.onRequest('echo', async params => params as { text: string });
    for (const body of ['{nope', 'null', '42', '[]', '{"jsonrpc":"2.0"}']) {
      toClient.write(frame(body));
      toServer.write(frame(body));
    }
    assert.deepEqual(await client.request('echo', { text: 'on' }), { text: 'on' });
  });

  it('cancels at once, tells the handler, and drops the late answer', async () => {
    const { client, server } = connectPeers();
    const seen: string[] = [];
    const started = new Deferred<void>();
    server.onRequest('wait', async (_params, signal) => {
      started.resolve();
      await new Promise(resolve => signal.addEventListener('abort', resolve));
      seen.push('aborted');
      return { id: 7 };
    });
    const abort = new AbortController();
    const pending = rejection(client.request('wait', { id: 7 }, { signal: abort.signal }));
    await started.promise;
    abort.abort();
    assert.equal((await pending).code, 'cancelled');
    for (let i = 0; i < 20 && seen.length === 0; i++) await tick();
    assert.deepEqual(seen, ['aborted']);
    const early = AbortSignal.abort();
    assert.equal((await rejection(client.request('wait', { id: 8 }, { signal: early }))).code, 'cancelled');
  });

  it('runs almost none of a cancelled storm', async () => {
    const { client, server } = connectPeers();
    let handled = 0;
    server.onRequest('wait', async (_params, signal) => {
      handled++;
      await new Promise(resolve => signal.addEventListener('abort', resolve));
      return { id: 0 };
    });
    const storm = Array.from({ length: 1000 }, (_, id) => {
      const abort = new AbortController();
      const pending = rejection(client.request('wait', { id }, { signal: abort.signal }));
      abort.abort();
      return pending;
    });
    for (const error of await Promise.all(storm)) assert.equal(error.code, 'cancelled');
    server.onRequest('echo', async params => params as { text: string });
    await client.request('echo', { text: 'still alive' });
    assert.ok(handled <= 10, `${handled} handlers ran`);
  });

  it('holds the writer back while the reader does not read', async () => {
    const { server, toClient } = connectPeers();
    toClient.pause();
    let written = 0;
    const flood = (async () => {
      for (let n = 0; n < 100_000; n++) {
        await server.notify('tick', { n });
        written++;
      }
    })();
    for (let i = 0; i < 3000; i++) await tick();
    assert.ok(written > 0 && written < 100_000, `${written} written`);
    const blockedAt = written;
    for (let i = 0; i < 300; i++) await tick();
    assert.equal(written, blockedAt);
    server.close();
    toClient.destroy();
    void flood;
  });

  it('settles every request whatever bytes arrive', async function () {
    this.timeout(600_000);
    const junk = fc.array(
      fc.oneof(
        fc.string(),
        fc.json().map(frame),
        fc.constant(frame('{"id":1}')),
        fc.uint8Array().map(String),
      ),
      { maxLength: 8 },
    );
    await fc.assert(
      fc.asyncProperty(junk, async pieces => {
        const { client, server, toClient } = connectPeers();
        server.onRequest('wait', never);
        const pending = rejection(client.request('wait', { id: 1 }));
        for (const piece of pieces) toClient.write(piece);
        toClient.end();
        assert.ok((await pending) instanceof Error);
      }),
      { numRuns: Number(process.env.MOEBIUS_TEST_FUZZ ?? 300) },
    );
  });
});
