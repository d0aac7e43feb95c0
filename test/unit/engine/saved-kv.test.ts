/** Rows that leave the engine and come back: a tiny model with the daemon's own folder of pages behind it. */
import assert from 'node:assert/strict';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openPageFolder, type PageFolder } from '../../../src/daemon/kv/page-folder.ts';
import type { Engine, RunHooks } from '../../../src/engine/engine.ts';
import type { FoundKv } from '../../../src/engine/kv-pages.ts';
import { loadEngine } from '../../../src/engine/load.ts';
import { openStore, type Store } from '../../../src/models/store.ts';
import type { GenerateParams, Usage } from '../../../src/protocol/daemon.ts';
import { writeTinyModel } from '../../support/tiny-folder.ts';

const CONTEXT = 1500;
const hooks: RunHooks = { signal: new AbortController().signal, turn: async () => {}, onEvent() {} };
/** Text of about `tokens` tokens that isn't periodic. */
const prose = (tokens: number, seed = 1) =>
  Array.from({ length: tokens }, (_, i) => String.fromCharCode(97 + ((i * i * 7 + seed * 13 + i) % 26))).join(
    '',
  );

describe('engine and saved rows', function () {
  this.timeout(60_000);
  let home: string;
  let store: Store;
  let folder: string;
  const engines: Engine[] = [];

  before(async () => {
    home = await mkdtemp(join(tmpdir(), 'moebius-saved-'));
    store = await openStore(home);
    folder = store.variantFolder('tiny', 'fp32');
    await mkdir(folder, { recursive: true });
    await writeTinyModel(folder);
  });
  afterEach(async () => {
    await Promise.all(engines.splice(0).map(engine => engine.dispose()));
    await store.removeKv();
  });
  after(() => rm(home, { recursive: true, force: true }));

  const open = async () => (await openPageFolder(store, { id: 'tiny', variant: 'fp32', path: folder }, 1e9))!;
  const load = async (options: Partial<Parameters<typeof loadEngine>[0]> = {}) => {
    const engine = await loadEngine({ folder, contextTokens: CONTEXT, threads: 1, ...options });
    engines.push(engine);
    return engine;
  };
  const ask = (engine: Engine, prompt: string, rest: Partial<GenerateParams> = {}) =>
    engine.generate({ requestId: 'r', maxTokens: 12, prompt, ...rest }, hooks);
  const saveAll = async (engine: Engine, pages: PageFolder) => {
    for (const sequence of engine.keptSequences()) {
      for (const { parent, from, to } of await pages.unsaved(sequence)) {
        await pages.write(parent, (await engine.exportRows(sequence.lease, from, to))!);
      }
    }
  };
  const read = ({ promptTokens, reusedTokens }: Usage) => promptTokens - reusedTokens;

  it('another process goes on where this one stopped, with the same words', async () => {
    const first = await load();
    const [prompt, more] = [prose(700), prose(60, 3)];
    const answer = await ask(first, prompt);
    await saveAll(first, await open());
    const uninterrupted = await ask(first, prompt + answer.text + more);

    const second = await load({ savedKv: await open() });
    const events: number[] = [];
    const onEvent: RunHooks['onEvent'] = event => event.type === 'prefill' && events.push(event.reused);
    const params = { requestId: 'r', maxTokens: 12, prompt: prompt + answer.text + more };
    const restored = await second.generate(params, { ...hooks, onEvent });
    assert.equal(restored.text, uninterrupted.text);
    assert.equal(restored.usage.reusedTokens, uninterrupted.usage.reusedTokens);
    assert.ok(restored.usage.reusedTokens > 600, `${restored.usage.reusedTokens}`);
    assert.equal(events[0], restored.usage.reusedTokens);
    assert.equal(second.sequences()[0]!.tokens, first.sequences().at(-1)!.tokens);
  });

  it('brings an evicted conversation back, and what the evicting one shares with it', async () => {
    // Room for one sequence of 600 rows, not for two.
    const bytes = 768 * 2 * 2 * 16 * 4;
    const pages = await open();
    const engine = await load({ savedKv: pages, kvBudgetBytes: 1.5 * bytes });
    const [a, b] = [prose(600, 1), prose(600, 2)];
    const before = await ask(engine, a, { sequence: 'a' });
    await saveAll(engine, pages);
    await ask(engine, b, { sequence: 'b' });
    await saveAll(engine, pages);
    assert.deepEqual(
      engine.sequences().map(({ name }) => name),
      ['b'],
      'a was evicted',
    );
    const again = await ask(engine, a, { sequence: 'a' });
    assert.deepEqual([again.text, read(again.usage)], [before.text, 1]);
    assert.deepEqual(
      engine.sequences().map(({ name }) => name),
      ['a'],
    );
    // A new sequence that begins like a saved one; and switching back and forth within one sequence.
    assert.ok(read((await ask(engine, b.slice(0, 500) + prose(50, 9), { sequence: 'c' })).usage) < 90);
    assert.equal(read((await ask(engine, a, { sequence: 'c' })).usage), 1);
  });

  it('saves a conversation that alone is larger than the budget', async () => {
    const pages = await open();
    const engine = await load({ savedKv: pages, kvBudgetBytes: 1 });
    await ask(engine, prose(600), { sequence: 'chat' });
    await engine.complete({ requestId: 'c', prefix: prose(100, 5), suffix: '', maxTokens: 2 }, hooks);
    await saveAll(engine, pages);
    assert.equal(read((await ask(engine, prose(600), { sequence: 'other' })).usage), 1);
  });

  it('restores for a level what serves it, and no less', async () => {
    const engine = await load();
    const prompt = prose(600, 4);
    const exact = await ask(engine, prompt);
    await ask(engine, prompt, { level: 'fast', sequence: 'sparse' });
    const pages = await open();
    const [sparse] = engine.keptSequences();
    for (const { parent, from, to } of await pages.unsaved(sparse!)) {
      await pages.write(parent, (await engine.exportRows(sparse!.lease, from, to))!);
    }
    const other = await load({ savedKv: await open() });
    const again = await ask(other, prompt);
    assert.deepEqual(
      [again.usage.reusedTokens, again.text],
      [0, exact.text],
      'the exact head is not worth it',
    );
    const fast = await ask(other, prompt, { level: 'fast', sequence: 'fast' });
    assert.ok(read(fast.usage) < 40, `${read(fast.usage)}`);
  });

  it('asks for nothing where it does not pay', async () => {
    const asked: number[] = [];
    const find = async (prompt: readonly number[]): Promise<FoundKv | null> => {
      asked.push(prompt.length);
      return { rows: 40, pages: () => assert.fail('40 rows are read as fast') };
    };
    const engine = await load({ savedKv: { find } });
    await engine.complete({ requestId: 'c', prefix: prose(300), suffix: '', maxTokens: 2 }, hooks);
    assert.deepEqual([asked, engine.keptSequences()], [[], []], 'ghost text');
    const first = await ask(engine, prose(300));
    assert.equal(first.usage.reusedTokens, 0);
    assert.equal(asked.length, 1);
    assert.equal(engine.keptSequences().length, 1);
  });

  it('reads what pages of another layout were to spare', async () => {
    const alone = await load();
    const prompt = prose(300, 6);
    const { text } = await ask(alone, prompt);
    const tokens = alone.keptSequences()[0]!.tokens.slice(0, 200);
    const experts = tokens.map(() => Number.POSITIVE_INFINITY);
    const blocks = [{ name: 'k.0', type: 'f16' as const, rows: 200, rowSize: 1, data: new Uint8Array(400) }];
    const found: FoundKv = {
      rows: 200,
      async *pages() {
        yield { tokens, experts, blocks };
      },
    };
    const engine = await load({ savedKv: { find: async () => found } });
    // The sequence has rows already, which the attempt costs.
    await ask(engine, prompt.slice(0, 100), { sequence: 'chat' });
    const result = await ask(engine, prompt);
    assert.deepEqual([result.text, result.usage.reusedTokens], [text, 0]);
  });

  it('gives out only rows that nobody has used since', async () => {
    const engine = await load();
    await ask(engine, prose(300));
    const { lease } = engine.keptSequences()[0]!;
    const running = ask(engine, prose(320, 8));
    assert.equal(await engine.exportRows(lease, 0, 256), null);
    assert.deepEqual(engine.keptSequences(), []);
    await running;
    assert.equal(await engine.exportRows(lease, 0, 256), null);
    assert.equal((await engine.exportRows(engine.keptSequences()[0]!.lease, 0, 256))!.tokens.length, 256);
  });
});
