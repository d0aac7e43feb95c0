import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import type { MoebiusError } from '../../../src/base/errors.ts';
import { openPageFolder } from '../../../src/daemon/kv/page-folder.ts';
import { createServer, type ServerOptions } from '../../../src/daemon/server.ts';
import type { Engine, LoadOptions } from '../../../src/engine/engine.ts';
import { openStore } from '../../../src/models/store.ts';
import type { GenerateEventParams, StatusResult } from '../../../src/protocol/daemon.ts';
import { PROTOCOL_VERSION } from '../../../src/protocol/version.ts';
import type { DaemonPeer } from '../../../src/rpc/daemon-peer.ts';
import { Peer } from '../../../src/rpc/peer.ts';
import { FakeClock, settle } from '../../support/fake-clock.ts';
import { type Behaviour, loadScriptedEngine, SCRIPTED_MODELS } from '../../support/scripted-engine.ts';
import { installModel } from '../models/converted-model.ts';

const about: ServerOptions['about'] = {
  daemonVersion: '1.2.3',
  engine: { name: 'onnxruntime-node', version: '9', threads: 1 },
};

interface Client {
  peer: DaemonPeer;
  events: GenerateEventParams[];
  statuses: StatusResult[];
  percents: number[];
  engines: (Engine & { isDisposed?: boolean })[];
  clock: FakeClock;
}

/** A server with a scripted engine, and a client that has shaken hands (and loaded `model`). */
async function connect(model: string | null = 'small', parts: Partial<ServerOptions> = {}): Promise<Client> {
  const toServer = new PassThrough();
  const toClient = new PassThrough();
  const clock = new FakeClock();
  const engines: Client['engines'] = [];
  createServer({
    input: toServer,
    output: toClient,
    clock,
    store: { list: async () => SCRIPTED_MODELS },
    async loadEngine(options: LoadOptions) {
      const engine = await loadScriptedEngine(options);
      engines.push(engine);
      return engine;
    },
    threads: async () => 3,
    selfTest: async () => undefined,
    about,
    onInitialized: () => undefined,
    onShutdown: () => toClient.end(),
    onClose: () => undefined,
    ...parts,
  });
  const peer: DaemonPeer = new Peer(toClient, toServer);
  const client: Client = { peer, events: [], statuses: [], percents: [], engines, clock };
  peer.onNotification('generate/event', params => client.events.push(params));
  peer.onNotification('status/changed', status => client.statuses.push(status));
  peer.onNotification('model/loadProgress', ({ percent }) => client.percents.push(percent));
  if (model === null) return client;
  await peer.request('initialize', { protocolVersion: PROTOCOL_VERSION, clientName: 'test' });
  await peer.request('model/load', { model, threads: 1 });
  return client;
}

const plan = (behaviour: Behaviour): string => JSON.stringify(behaviour);
const code = (promise: Promise<unknown>): Promise<string> =>
  promise.then(
    () => 'answered',
    (error: MoebiusError) => `${error.code}: ${error.message}`,
  );

describe('daemon server', () => {
  it('answers nothing before the handshake, and refuses another version by name', async () => {
    const { peer } = await connect(null);
    assert.equal(await code(peer.request('status', {})), 'bad-request: Call initialize before status.');
    const hello = { protocolVersion: 99, clientName: 'Moebius 7.0.0' };
    assert.match(
      await code(peer.request('initialize', hello)),
      /^version-mismatch: Moebius 7.0.0 speaks version 99 of the protocol, the daemon 1.2.3 speaks \d+\./,
    );
    assert.equal(await code(peer.request('ping', {})), 'bad-request: Call initialize before ping.');
    const result = await peer.request('initialize', { ...hello, protocolVersion: PROTOCOL_VERSION });
    assert.deepEqual(result, { ...about, protocolVersion: PROTOCOL_VERSION, pid: process.pid });
    assert.deepEqual(await peer.request('ping', {}), {});
    const message = 'model-missing: No model is loaded. Load one with model/load.';
    assert.equal(await code(peer.request('generate', { requestId: 'a', prompt: '' })), message);
  });

  it('loads, tells progress, lists, informs and unloads', async () => {
    const { peer, percents, engines } = await connect();
    assert.deepEqual(percents, [25, 50, 75, 100]);
    const list = await peer.request('model/list', {});
    assert.deepEqual([list.models.length, list.loaded], [SCRIPTED_MODELS.length, 'small']);
    assert.equal((await peer.request('model/info', {}))?.contextTokens, 8192);
    await peer.request('model/unload', {});
    assert.equal(await peer.request('model/info', {}), null);
    assert.ok(engines[0]?.isDisposed);
  });

  it('gives the self-test up before it ends, and waits until it has', async () => {
    const ends: string[] = [];
    const { peer, clock } = await connect('small', {
      selfTest: signal =>
        new Promise((_, reject) => {
          signal.addEventListener('abort', () =>
            setImmediate(() => {
              ends.push('self-test');
              reject(new Error('aborted'));
            }),
          );
        }),
      onShutdown: () => void ends.push('daemon'),
    });
    await clock.advance(30_000);
    await peer.request('shutdown', {});
    await new Promise(setImmediate);
    assert.deepEqual(ends, ['self-test', 'daemon']);
  });

  it('says what is installed when a model is not, and why one cannot be loaded', async () => {
    const { peer } = await connect();
    assert.match(
      await code(peer.request('model/load', { model: 'absent' })),
      /^model-missing: Model absent is not installed. Installed: small \(int4\), other \(int4\)/,
    );
    assert.equal((await peer.request('status', {})).model, 'small');
    assert.match(
      await code(peer.request('model/load', { model: 'broken' })),
      /^model-invalid: body.data is damaged/,
    );
    assert.equal((await peer.request('status', {})).phase, 'no-model');
  });

  it('loads the first variant there is of a model, or the one that is named', async () => {
    const [small, other] = SCRIPTED_MODELS;
    const models = [
      { ...small!, variant: 'int8' as const },
      { ...small!, variant: 'fp32' as const, path: other!.path },
    ];
    const { peer } = await connect(null, { store: { list: async () => models } });
    await peer.request('initialize', { protocolVersion: PROTOCOL_VERSION, clientName: 'test' });
    assert.equal((await peer.request('model/load', { model: 'small' })).path, small!.path);
    assert.equal((await peer.request('model/load', { model: 'small', variant: 'fp32' })).path, other!.path);
    assert.equal(
      await code(peer.request('model/load', { model: 'small', variant: 'int4' })),
      'model-missing: Model small (int4) is not installed. Installed: small (int8), small (fp32).',
    );
  });

  it('joins loads of the same model, queues others, and keeps one engine', async () => {
    const { peer, engines } = await connect();
    const [same, other, again, back] = await Promise.all([
      peer.request('model/load', { model: 'small', threads: 1 }),
      peer.request('model/load', { model: 'other', threads: 1 }),
      peer.request('model/load', { model: 'other', threads: 1 }),
      peer.request('model/load', { model: 'small', threads: 2 }),
    ]);
    assert.deepEqual(
      [same.id, other.id, again.id, back.id, back.threads],
      ['small', 'other', 'other', 'small', 2],
    );
    assert.deepEqual(
      engines.map(engine => `${engine.info().id} ${engine.isDisposed}`),
      ['small true', 'other true', 'small false'],
    );
  });

  it('gives a load up when everyone who asked for it has', async () => {
    const { peer, engines } = await connect();
    const [a, b] = [new AbortController(), new AbortController()];
    const load = (abort: AbortController) =>
      code(peer.request('model/load', { model: 'slow', threads: 1 }, { signal: abort.signal }));
    const [first, second] = [load(a), load(b)];
    a.abort();
    assert.equal(await first, 'cancelled: The request was cancelled.');
    assert.equal((await peer.request('status', {})).phase, 'loading');
    b.abort();
    assert.equal(await second, 'cancelled: The request was cancelled.');
    assert.equal((await peer.request('model/load', { model: 'other' })).id, 'other');
    assert.deepEqual(
      engines.map(engine => engine.info().id),
      ['small', 'other'],
    );
  });

  it('lets requests wait for a load that is going on', async () => {
    const { peer } = await connect();
    const loading = peer.request('model/load', { model: 'other' });
    const answer = await peer.request('generate', { requestId: 'a', prompt: 'hi' });
    assert.equal(answer.text, '0 1 2 3 4 5 6 7 8 9 ');
    assert.equal((await loading).id, 'other');
  });

  it('streams events in order before the answer, which they add up to', async () => {
    const { peer, events } = await connect();
    const answer = await peer.request('generate', { requestId: 'r1', prompt: plan({ chunks: 3, steps: 5 }) });
    assert.ok(events.every(({ requestId }) => requestId === 'r1'));
    const texts = events.flatMap(({ event }) => (event.type === 'text' ? [event.text] : []));
    assert.equal(texts.join(''), answer.text);
    const reads = events.flatMap(({ event }) => (event.type === 'prefill' ? [event.done] : []));
    assert.deepEqual(reads, [1, 2, 3]);
  });

  it('runs completions between the steps of a chat, which goes on', async () => {
    const { peer } = await connect();
    const ends: string[] = [];
    const chat = peer.request('generate', { requestId: 'chat', prompt: plan({ steps: 300 }) });
    void chat.then(() => ends.push('chat'));
    for (let i = 0; i < 3; i++) {
      await peer.request('complete', { requestId: `fim${i}`, prefix: plan({ steps: 3 }), suffix: '' });
      ends.push(`fim${i}`);
    }
    assert.equal((await chat).usage.outputTokens, 300);
    assert.deepEqual(ends, ['fim0', 'fim1', 'fim2', 'chat']);
  });

  it('answers only the newest of many completions', async () => {
    const { peer } = await connect();
    const storm = Array.from({ length: 200 }, (_, i) =>
      code(peer.request('complete', { requestId: `c${i}`, prefix: plan({ steps: 3 }), suffix: '' })),
    );
    const results = await Promise.all(storm);
    assert.equal(results.pop(), 'answered');
    assert.deepEqual([...new Set(results)], ['cancelled: A newer request replaced this one.']);
  });

  it('drops reading ahead for a completion before its next chunk, and holds it for a chat', async () => {
    const { peer, events } = await connect();
    const dones = () =>
      events.flatMap(({ requestId, event }) =>
        requestId === 'ahead' && event.type === 'prefill' ? [event.done] : [],
      );
    const ahead = () => {
      events.length = 0;
      const prefix = plan({ chunks: 60, chunkMs: 5, steps: 0 });
      return code(peer.request('complete', { requestId: 'ahead', prefix, suffix: '', maxTokens: 0 }));
    };
    const reading = ahead();
    while (dones().length < 3) await settle();
    const seen = dones().length;
    await peer.request('complete', { requestId: 'fim', prefix: plan({ steps: 3 }), suffix: '' });
    assert.equal(await reading, 'cancelled: A newer request replaced this one.');
    assert.ok(dones().length <= seen + 1, `${dones().length - seen} chunks more`);

    const held = ahead();
    while (dones().length < 3) await settle();
    const before = dones().length;
    await peer.request('generate', { requestId: 'chat', prompt: plan({ steps: 20, stepMs: 5 }) });
    assert.ok(dones().length <= before + 1, `${dones().length - before} chunks more`);
    assert.equal(await held, 'answered');
    assert.equal(dones().at(-1), 60);
  });

  it('cancels a running request, which frees the engine', async () => {
    const { peer, events } = await connect();
    const abort = new AbortController();
    const endless = code(
      peer.request('generate', { requestId: 'a', prompt: plan({ steps: 1e6 }) }, { signal: abort.signal }),
    );
    while (events.length < 5) await settle();
    abort.abort();
    assert.equal(await endless, 'cancelled: The request was cancelled.');
    assert.equal((await peer.request('generate', { requestId: 'b', prompt: 'x' })).finish, 'stop');
  });

  it('ends what runs when the model is unloaded', async () => {
    const { peer, events, engines } = await connect();
    const endless = code(peer.request('generate', { requestId: 'a', prompt: plan({ steps: 1e6 }) }));
    while (events.length < 5) await settle();
    await peer.request('model/unload', {});
    assert.equal(await endless, 'cancelled: The model was unloaded.');
    assert.ok(engines[0]?.isDisposed);
  });

  it('tells the status: phases, queue, speed; at most four times a second', async () => {
    const { peer, events, statuses, clock } = await connect();
    assert.deepEqual((await peer.request('status', {})).speed.decodeTokensPerSecond, null);
    const abort = new AbortController();
    const { signal } = abort;
    const running = peer.request('generate', { requestId: 'a', prompt: plan({ steps: 1e6 }) }, { signal });
    const waiting = peer.request('generate', { requestId: 'b', prompt: 'x' });
    while (!events.some(({ event }) => event.type === 'text')) await settle();
    const busy = await peer.request('status', {});
    assert.deepEqual([busy.phase, busy.queued, busy.model], ['writing', 1, 'small']);
    const before = statuses.length;
    await settle();
    assert.equal(statuses.length, before, 'nothing is sent while the clock stands still');
    await clock.advance(1000);
    assert.ok(statuses.length > before && statuses.length <= before + 5, `${statuses.length - before} sent`);
    abort.abort();
    await running.catch(() => undefined);
    await waiting;
    const idle = await peer.request('status', {});
    assert.deepEqual([idle.phase, idle.queued, idle.speed.decodeTokensPerSecond], ['idle', 0, 100]);
    assert.equal(idle.memory.kvBytes, 1000);
  });

  it('loads a model whose saved pages cannot be opened, and says so', async () => {
    const openPages = () => Promise.reject(new Error('EACCES: permission denied'));
    const { peer } = await connect(null, { openPages });
    const logged: string[] = [];
    peer.onNotification('log', ({ message }) => logged.push(message));
    await peer.request('initialize', { protocolVersion: PROTOCOL_VERSION, clientName: 'test' });
    await peer.request('model/load', { model: 'small' });
    assert.ok(logged.includes('What small has read is not saved: EACCES: permission denied'), `${logged}`);
    assert.equal((await peer.request('generate', { requestId: 'a', prompt: 'x' })).finish, 'stop');
  });

  it('keeps which experts were used for the next time that the model is loaded', async () => {
    const home = await mkdtemp(join(tmpdir(), 'moebius-server-'));
    const store = await openStore(home);
    await installModel(store.variantFolder('m', 'int4'), 'm', 'int4');
    const pages = await openPageFolder(store, await store.find('m', 'int4'), 1e6);
    const given: LoadOptions['hotExperts'][] = [];
    const { peer } = await connect('small', {
      openPages: async () => pages,
      async loadEngine(options) {
        given.push(options.hotExperts);
        const engine = await loadScriptedEngine(options);
        return Object.assign(engine, { expertHistogram: async () => [{ layer: 1, tokens: [3, 0] }] });
      },
    });
    await peer.request('model/unload', {});
    await peer.request('model/load', { model: 'small', threads: 1 });
    assert.deepEqual(given, [[], [{ layer: 1, tokens: [3, 0] }]]);
    await rm(home, { recursive: true });
  });

  it('survives a bug in the engine', async () => {
    const { peer } = await connect();
    const result = await code(peer.request('generate', { requestId: 'a', prompt: plan({ fault: 'throw' }) }));
    assert.equal(result, 'internal: a bug in the engine');
    assert.equal((await peer.request('generate', { requestId: 'b', prompt: 'x' })).finish, 'stop');
  });
});
