import assert from 'node:assert/strict';
import { mkdtemp, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { MoebiusError } from '../../../src/base/errors.ts';
import type { EngineCore } from '../../../src/engine/core.ts';
import type { Engine, RunHooks } from '../../../src/engine/engine.ts';
import { loadCore, loadEngine } from '../../../src/engine/load.ts';
import { generateByReference } from '../../../src/engine/reference.ts';
import { TextStream } from '../../../src/engine/text-stream.ts';
import type { GenerateEvent, GenerateParams } from '../../../src/protocol/daemon.ts';
import { TINY_DIMS, writeTinyModel } from '../../support/tiny-folder.ts';

const CONTEXT = 600;

function hooks(overrides: Partial<RunHooks> = {}): RunHooks & { events: GenerateEvent[] } {
  const events: GenerateEvent[] = [];
  return {
    events,
    signal: new AbortController().signal,
    turn: async () => {},
    onEvent: event => void events.push(event),
    ...overrides,
  };
}
const ask = (overrides: Partial<GenerateParams>): GenerateParams => ({
  requestId: 'r',
  maxTokens: 12,
  ...overrides,
});
/** Text of about `tokens` tokens that isn't periodic. */
const prose = (tokens: number, seed = 1) =>
  Array.from({ length: tokens }, (_, i) => String.fromCharCode(97 + ((i * i * 7 + seed * 13 + i) % 26))).join(
    '',
  );

describe('engine on a tiny model', function () {
  this.timeout(30_000);
  let folder: string;
  let core: EngineCore;
  let engine: Engine;

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'moebius-tiny-'));
    await writeTinyModel(folder);
    core = await loadCore({ folder, contextTokens: CONTEXT, threads: 1 });
    engine = await loadEngine({ folder, contextTokens: CONTEXT, threads: 1 });
  });
  after(async () => {
    await engine.dispose();
    await core.worker.terminate();
    await rm(folder, { recursive: true, force: true });
  });

  const idsOf = (text: string) => core.tokenizer.encodePlain(text);

  for (const [name, length] of [
    ['one chunk', 20],
    ['several chunks and a cache that grows', 300],
  ] as const) {
    it(`writes what the slow reference writes: ${name}`, async () => {
      const prompt = prose(length);
      const expected = await generateByReference(core, idsOf(prompt), 12);
      const { text } = await engine.generate(ask({ prompt, sequence: name }), hooks());
      const stream = new TextStream(core.tokenizer);
      assert.equal(text, expected.map(id => stream.push(id)).join(''));
      assert.ok(expected.length > 0);
    });
  }

  it('reuses the common prefix, and the answer is the same as from nothing', async () => {
    const shared = prose(200);
    await engine.generate(ask({ prompt: shared + prose(50, 2), sequence: 'reuse' }), hooks());
    const warm = await engine.generate(ask({ prompt: shared + prose(60, 3), sequence: 'reuse' }), hooks());
    const cold = await engine.generate(ask({ prompt: shared + prose(60, 3), sequence: 'cold' }), hooks());
    const [a, b] = [idsOf(shared + prose(50, 2)), idsOf(shared + prose(60, 3))];
    assert.equal(
      warm.usage.reusedTokens,
      b.findIndex((id, i) => id !== a[i]),
    );
    assert.ok(warm.usage.reusedTokens > 150);
    assert.equal(cold.usage.reusedTokens, 0);
    assert.equal(warm.text, cold.text);
  });

  it('reads the last token again when the whole prompt is cached', async () => {
    const prompt = prose(40, 9);
    const first = await engine.generate(ask({ prompt, sequence: 'same' }), hooks());
    const second = await engine.generate(ask({ prompt, sequence: 'same' }), hooks());
    assert.equal(second.usage.reusedTokens, second.usage.promptTokens - 1);
    assert.equal(second.text, first.text);
  });

  it('does not answer exactly from rows that were read sparsely', async () => {
    const prompt = prose(250, 4);
    const exact = await engine.generate(ask({ prompt, sequence: 'alone' }), hooks());
    const fast = await engine.generate(ask({ prompt, sequence: 'levels', level: 'fast' }), hooks());
    const after = await engine.generate(ask({ prompt, sequence: 'levels' }), hooks());
    assert.equal(fast.usage.reusedTokens, 0);
    assert.equal(after.usage.reusedTokens, 4); // the exact head
    assert.equal(after.text, exact.text);
    const again = await engine.generate(ask({ prompt, sequence: 'levels', level: 'fast' }), hooks());
    assert.equal(again.usage.reusedTokens, again.usage.promptTokens - 1); // exact rows do for a sparse request
  });

  it('scores tokens as the logits say, in chunks and sparsely', async () => {
    const tokens = idsOf(prose(200, 5));
    const exact = await engine.score(tokens, 'exact', hooks());
    const fast = await engine.score(tokens, 'fast', hooks());
    assert.equal(exact.length, tokens.length - 1);
    assert.ok(exact.every(value => value < 0 && Number.isFinite(value)));
    assert.deepEqual([...fast.subarray(0, 3)], [...exact.subarray(0, 3)]);
    assert.notDeepEqual([...fast.subarray(100, 190)], [...exact.subarray(100, 190)]);
    const shifted = await engine.score(tokens.slice(0, 150), 'exact', hooks());
    for (const [i, value] of shifted.entries()) assert.ok(Math.abs(value - exact[i]!) < 1e-4, `row ${i}`);
  });

  it('reports reading in chunks, then text, then usage', async () => {
    const own = hooks();
    const { text, usage } = await engine.generate(ask({ prompt: prose(300, 6), sequence: 'events' }), own);
    const reads = own.events.filter(event => event.type === 'prefill');
    assert.deepEqual(
      [reads[0]!.done, reads.at(-1)!.done, reads.at(-1)!.total],
      [0, usage.promptTokens, usage.promptTokens],
    );
    assert.ok(reads.length >= 3);
    assert.equal(own.events.flatMap(event => (event.type === 'text' ? [event.text] : [])).join(''), text);
    assert.equal(own.events.at(-1)!.type, 'usage');
  });

  it('before a line end a completion tells what it took and how sure it was: who reads it may end it there', async () => {
    const gap = { requestId: 'r', suffix: '', sequence: 'told', temperature: 20, topK: 0, maxTokens: 60 };
    let lines = 0;
    for (let seed = 0; seed < 20; seed++) {
      const own = hooks();
      await engine.complete({ ...gap, prefix: prose(20, seed), seed }, own);
      for (const [i, event] of own.events.entries()) {
        if (event.type !== 'text' || !event.text.includes('\n')) continue;
        lines++;
        const told = own.events[i - 1]!;
        assert.ok(told.type === 'usage' && told.usage.outputTokens > 0 && told.meanLogProb! < 0);
      }
    }
    assert.ok(lines > 0, 'no line end was written');
  });

  it('stops reading between chunks when it is cancelled, and keeps what was read', async () => {
    const abort = new AbortController();
    const own = hooks({ signal: abort.signal, turn: async () => void (turns++ === 1 && abort.abort()) });
    let turns = 0;
    const prompt = prose(400, 7);
    const cancelled = await engine.generate(ask({ prompt, sequence: 'cancel' }), own);
    assert.deepEqual([cancelled.finish, cancelled.text], ['cancelled', '']);
    const next = await engine.generate(ask({ prompt, sequence: 'cancel' }), hooks());
    assert.ok(next.usage.reusedTokens > 0 && next.usage.reusedTokens < 400);
  });

  it('returns what was written by then when it is cancelled while writing', async () => {
    const abort = new AbortController();
    const own = hooks({ signal: abort.signal });
    own.onEvent = event => {
      if (event.type === 'text') abort.abort();
    };
    const result = await engine.generate(ask({ prompt: prose(30, 8), sequence: 'cancel 2' }), own);
    assert.equal(result.finish, 'cancelled');
    assert.ok(result.text.length > 0);
  });

  it('keeps two requests on one sequence apart', async () => {
    const [a, b] = [prose(150, 10), prose(150, 11)];
    const alone = [
      await engine.generate(ask({ prompt: a, sequence: 'x' }), hooks()),
      await engine.generate(ask({ prompt: b, sequence: 'y' }), hooks()),
    ];
    const together = await Promise.all([
      engine.generate(ask({ prompt: a, sequence: 'shared' }), hooks()),
      engine.generate(ask({ prompt: b, sequence: 'shared' }), hooks()),
    ]);
    assert.deepEqual(
      together.map(result => result.text),
      alone.map(result => result.text),
    );
  });

  it('draws the same text from the same seed', async () => {
    const sampled = (seed: number) =>
      engine.generate(ask({ prompt: 'hello', temperature: 1.5, topK: 0, seed, maxTokens: 20 }), hooks());
    const [one, same, other] = [await sampled(1), await sampled(1), await sampled(2)];
    assert.equal(one!.text, same!.text);
    assert.notEqual(one!.text, other!.text);
  });

  it('ends before a stop string', async () => {
    const { text } = await engine.generate(ask({ prompt: prose(20), sequence: 'stop' }), hooks());
    const stop = text.slice(2, 4);
    const stopped = await engine.generate(
      ask({ prompt: prose(20), sequence: 'stop', stop: [stop] }),
      hooks(),
    );
    assert.equal(stopped.text, text.slice(0, text.indexOf(stop)));
    assert.equal(stopped.finish, 'stop');
  });

  it('fills in the middle with a time box and a confidence', async () => {
    const params = { requestId: 'c', prefix: 'hello ', suffix: ' hello', maxTokens: 30 };
    const result = await engine.complete(params, hooks());
    assert.ok(result.meanLogProb < 0);
    const rushed = await engine.complete({ ...params, decodeBudgetMs: 0 }, hooks());
    assert.deepEqual([rushed.finish, rushed.usage.outputTokens], ['time', 1]);
    const unread = await engine.complete({ ...params, prefix: prose(300, 12), prefillBudgetMs: 0 }, hooks());
    assert.deepEqual([unread.finish, unread.text], ['time', '']);
  });

  it('holds the word at the end of the middle, and writes what follows it', async () => {
    const gap = { requestId: 'c', prefix: prose(40, 16), suffix: prose(20, 17), maxTokens: 12 };
    const bare = await engine.complete({ ...gap, middle: 'hell ' }, hooks());
    const begun = await engine.complete({ ...gap, middle: 'hell retu' }, hooks());
    assert.equal(begun.usage.promptTokens, bare.usage.promptTokens);
    assert.equal(begun.usage.reusedTokens, bare.usage.promptTokens - 1);
    const rest = await engine.complete({ ...gap, middle: 'hell retur', maxTokens: 1 }, hooks());
    assert.match(rest.text, /^(n|)$/);
  });

  describe('reading ahead', () => {
    const gap = (sequence: string) => ({
      requestId: 'c',
      sequence,
      prefix: prose(200, 14),
      suffix: prose(60, 15),
      maxTokens: 12,
    });

    it('leaves the next completion only what was typed since', async () => {
      const ahead = hooks();
      const read = await engine.complete({ ...gap('ahead'), middle: 'hell he', maxTokens: 0 }, ahead);
      assert.deepEqual([read.text, read.finish, read.usage.outputTokens], ['', 'length', 0]);
      const reads = ahead.events.flatMap(event => (event.type === 'prefill' ? [event.done] : []));
      assert.ok(reads.length > read.usage.promptTokens / 20, `${reads.length} chunks`);
      assert.equal(reads.at(-1), read.usage.promptTokens);
      const warm = await engine.complete({ ...gap('ahead'), middle: 'hell hello w' }, hooks());
      const cold = await engine.complete({ ...gap('unread'), middle: 'hell hello w' }, hooks());
      assert.equal(warm.usage.reusedTokens, read.usage.promptTokens);
      assert.equal(cold.usage.reusedTokens, 0);
      assert.equal(warm.text, cold.text);
    });

    it('leaves what was written after a prompt that is known, for the user who accepts it', async () => {
      const rows = () => engine.sequences().find(({ name }) => name === 'accept')!.tokens;
      const { usage } = await engine.complete(gap('accept'), hooks());
      const before = rows();
      assert.ok(before > usage.promptTokens);
      const again = await engine.complete({ ...gap('accept'), maxTokens: 0 }, hooks());
      assert.deepEqual([again.usage.reusedTokens, rows()], [usage.promptTokens, before]);
    });

    it('stops between two chunks, and keeps what was read', async () => {
      const abort = new AbortController();
      let turns = 0;
      const own = hooks({ signal: abort.signal, turn: async () => void (++turns === 3 && abort.abort()) });
      const read = await engine.complete({ ...gap('dropped'), maxTokens: 0 }, own);
      assert.equal(read.finish, 'cancelled');
      const next = await engine.complete(gap('dropped'), hooks());
      assert.ok(next.usage.reusedTokens > 0 && next.usage.reusedTokens < 100);
    });
  });

  it('refuses a prompt that does not fit, with the numbers', async () => {
    await assert.rejects(engine.generate(ask({ prompt: prose(700) }), hooks()), (error: MoebiusError) => {
      assert.equal(error.code, 'context-full');
      assert.match(error.message, /has 6\d\d tokens.*holds 600/);
      return true;
    });
    const full = await engine.generate(
      ask({ prompt: prose(620, 3), sequence: 'full', maxTokens: 50 }),
      hooks(),
    );
    assert.deepEqual([full.finish, full.usage.promptTokens + full.usage.outputTokens], ['length', CONTEXT]);
  });

  it('counts a conversation, each message with its share', () => {
    const messages = [
      { role: 'user', content: 'hello' },
      { role: 'assistant', content: 'return' },
    ] as const;
    const { tokens, perMessage } = engine.count({ messages: [...messages] });
    assert.equal(
      tokens,
      perMessage!.reduce((sum, count) => sum + count, 0),
    );
    assert.equal(engine.count({ text: 'hello' }).tokens, 1);
  });

  it('refuses bad requests', async () => {
    const check = (params: Partial<GenerateParams>, code: string) =>
      assert.rejects(engine.generate(ask(params), hooks()), (error: MoebiusError) => error.code === code);
    await check({}, 'bad-request');
    await check({ prompt: 'a', messages: [] }, 'bad-request');
    await check({ prompt: '' }, 'bad-request');
    await check({ prompt: 'a', level: 'balanced' }, 'unsupported');
  });

  it('fails what still runs when it is disposed, at once', async () => {
    const other = await loadEngine({ folder, contextTokens: CONTEXT, threads: 1 });
    const running = other.generate(ask({ prompt: prose(100), maxTokens: 500, temperature: 2 }), hooks());
    const refused = assert.rejects(running, { name: 'MoebiusError' });
    await other.dispose();
    await refused;
  });

  it('takes no longer context than the model was trained with', async () => {
    const other = await loadEngine({ folder, contextTokens: 100_000, threads: 1 });
    assert.equal(other.info().contextTokens, TINY_DIMS.trainedContext);
    await other.dispose();
  });

  it('stops loading when it is cancelled', async () => {
    const abort = new AbortController();
    const loading = loadEngine({ folder, contextTokens: CONTEXT, threads: 1, signal: abort.signal });
    abort.abort();
    await assert.rejects(loading, { code: 'cancelled' });
  });

  it('refuses a damaged folder before a runtime sees it', async () => {
    const other = await mkdtemp(join(tmpdir(), 'moebius-tiny-'));
    const load = () => loadEngine({ folder: other, contextTokens: 64, threads: 1 });
    const refused = (code: string) => assert.rejects(load, (error: MoebiusError) => error.code === code);
    await refused('model-missing');
    await writeTinyModel(other);
    await truncate(join(other, 'body.data'), 100);
    await refused('model-invalid');
    await writeTinyModel(other);
    await writeFile(join(other, 'manifest.json'), '{"format": 1}');
    await refused('model-invalid');
    await rm(other, { recursive: true, force: true });
  });
});
