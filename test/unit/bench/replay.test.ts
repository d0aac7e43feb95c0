import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Backend } from '../../../src/backends/backend.ts';
import { ScriptedBackend } from '../../../src/backends/scripted.ts';
import { replay } from '../../bench/replay.ts';
import type { Keystroke } from '../../bench/typing-script.ts';
import { until } from '../../support/daemons.ts';

const type = (text: string, pauseMs = 0): Keystroke => ({ kind: 'type', text, pauseMs });
/** As the daemon: a request begins with what it has still of its prompt, then tells how far it has read. */
const withPrefill = (backend: ScriptedBackend): Backend => ({
  generate: (...args) => backend.generate(...args),
  count: params => backend.count(params),
  complete(params, options) {
    for (const done of [60, 100]) options?.onEvent?.({ type: 'prefill', done, total: 100, reused: 60 });
    return backend.complete(params, options);
  },
});

/** A pause in which the model's answer arrives. */
const LOOK = 1000;

describe('replay of a session of typing', () => {
  it('asks after every key but a jump, and gives up what the next key overtook', async () => {
    let answered = 0;
    const backend = new ScriptedBackend(() => {
      answered++;
      return 'alue = 1';
    });
    const opened = { text: 'class A:\n    def f(self):\n        pass\n', offset: 25 };
    const keys: Keystroke[] = [
      type('\n        s'),
      type('e'),
      { kind: 'jump', offset: opened.text.length + '\n        se'.length, pauseMs: LOOK },
      type('v'),
      type('a', LOOK),
    ];
    let looks = 0;
    const wait = async (ms: number) => {
      if (ms !== LOOK) return;
      const wanted = ++looks;
      await until(() => answered === wanted);
      await sleep(20); // its text is a few turns of the event loop behind
    };
    const result = await replay(withPrefill(backend), { opened, keys }, wait);
    const { asked, shown, requests, endedEarly, promptTokens, reusedTokens } = result;
    assert.equal(asked, 4);
    assert.equal(requests, 2);
    assert.equal(endedEarly, 0);
    assert.equal(promptTokens, 200);
    assert.equal(reusedTokens, 120);
    // `s` is overtaken at once, and the cache has `va`.
    assert.deepEqual(
      result.waits.map(({ isCut }) => isCut),
      [true, false, false],
    );
    // After `se` and `v` by the model; `va` is what `v` had suggested.
    assert.deepEqual(
      shown.map(({ source }) => source),
      ['model', 'model', 'cache'],
    );
    const [, second] = backend.requests.map(({ params }) => params as { prefix: string; middle: string });
    const before = second!.prefix + second!.middle;
    assert.ok(before.endsWith('        pass\nv'), before);
  });

  it('counts it as an answer that there is nothing to suggest', async () => {
    const backend = new ScriptedBackend(() => '');
    const opened = { text: 'class A:\n    x = 1\n', offset: 18 };
    const wait = async (ms: number) => {
      if (ms !== LOOK) return;
      await until(() => backend.requests.length === 1);
      await sleep(20);
    };
    const result = await replay(backend, { opened, keys: [type('\n    y'), type(' ', LOOK)] }, wait);
    assert.equal(result.shown.length, 0);
    assert.equal(result.waits[0]?.isCut, false);
  });

  it('counts it as an answer that the model was too unsure, when it was waited for', async () => {
    const scripted = new ScriptedBackend(() => ' = 1');
    const backend: Backend = {
      generate: (...args) => scripted.generate(...args),
      count: params => scripted.count(params),
      complete: async (...args) => ({ ...(await scripted.complete(...args)), meanLogProb: -3 }),
    };
    const opened = { text: 'class A:\n    x = 1\n', offset: 18 };
    const wait = async (ms: number) => {
      if (ms !== LOOK) return;
      await until(() => scripted.requests.length === 1);
      await sleep(20);
    };
    // The cache has what the model wrote after `y`.
    const result = await replay(backend, { opened, keys: [type('\n    y'), type(' ', LOOK)] }, wait);
    assert.equal(result.shown.length, 0);
    assert.deepEqual(
      result.waits.map(({ isCut }) => isCut),
      [false],
    );
  });

  it('ends in the failure of a request, after the last key', async () => {
    const backend = new ScriptedBackend([]);
    const opened = { text: 'class A:\n    x = 1\n', offset: 18 };
    let waits = 0;
    const wait = async (ms: number) => {
      waits++;
      if (ms !== LOOK) return;
      await until(() => backend.requests.length === 1);
      await sleep(20);
    };
    const keys = [type('\n    y'), type(' ', LOOK)];
    await assert.rejects(replay(backend, { opened, keys }, wait), /script has no answer left/);
    assert.equal(waits, 3);
  });
});
