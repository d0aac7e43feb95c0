import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import { cancelled } from '../../../src/base/errors.ts';
import { CompletionPipeline } from '../../../src/completion/pipeline.ts';
import type { CompletionCall } from '../../../src/completion/runner.ts';
import { answered } from './answered.ts';
import { drawn } from './drawn.ts';
import { model, options } from './written.ts';

describe('completion/pipeline', () => {
  it('asks once, then answers typed-through text from the cache', async () => {
    const { pipeline, seen } = model('foo(a, b);');
    assert.deepEqual(await pipeline.suggest(drawn('const x = █'), options()), {
      text: 'foo(a, b);',
      replaceAfter: 0,
      source: 'model',
      meanLogProb: -0.1,
    });
    const through = await pipeline.suggest(drawn('const x = foo(█)'), options());
    assert.deepEqual(through, {
      text: 'a, b);',
      replaceAfter: 1,
      source: 'cache',
      meanLogProb: -0.1,
    });
    assert.equal(seen.calls.length, 1);
    assert.equal(seen.calls[0]!.isSingleLine, true);
  });

  it('joins the running request while typing agrees with it', async () => {
    const { pipeline, seen } = model('foo(a, b);', 20);
    const first = new AbortController();
    const overtaken = pipeline.suggest(drawn('x = █'), options(first.signal));
    await sleep(45);
    first.abort();
    const joined = await pipeline.suggest(drawn('x = fo█'), options());
    assert.deepEqual(joined, { text: 'o(a, b);', replaceAfter: 0, source: 'running', meanLogProb: -0.1 });
    assert.equal(await overtaken, null);
    assert.equal(seen.calls.length, 1);
  });

  it('takes the place of a running request that typing contradicts', async () => {
    const { pipeline, seen } = model('foo(a, b);', 20);
    const first = new AbortController();
    const overtaken = pipeline.suggest(drawn('x = █'), options(first.signal));
    await sleep(45);
    first.abort();
    const other = await pipeline.suggest(drawn('x = ba█'), options());
    assert.equal(other?.source, 'model');
    assert.equal(await overtaken, null);
    assert.equal(seen.calls.length, 2);
    assert.equal(seen.cancelled, 1);
  });

  it('stops a joined request as soon as it contradicts what was typed', async () => {
    const { pipeline, seen } = model('foo(a, b);', 20);
    void pipeline.suggest(drawn('x = █'), options());
    await sleep(5);
    await pipeline.suggest(drawn('x = ba█'), options());
    assert.deepEqual([seen.calls.length, seen.cancelled], [2, 1]);
  });

  it('ends a request that nobody waits for', async () => {
    const { pipeline, seen } = model('abc'.repeat(300), 10);
    const gone = new AbortController();
    const request = pipeline.suggest(drawn('x = █'), options(gone.signal));
    await sleep(15);
    gone.abort();
    assert.equal(await request, null);
    while (seen.cancelled === 0) await sleep(5);
    assert.equal(seen.cancelled, 1);
  });

  it('never asks the model for a keystroke that was overtaken within the delay', async () => {
    const { pipeline, seen } = model('1');
    const gone = new AbortController();
    const request = pipeline.suggest(drawn('x = █'), options(gone.signal, 50));
    gone.abort();
    assert.equal(await request, null);
    await sleep(60);
    assert.equal(seen.calls.length, 0);
  });

  it('stops writing when the block has ended, and keeps what was written', async () => {
    const { pipeline, seen } = model(`\n  return 1;\n}\n\n${'function g() {}\n'.repeat(50)}`, 1);
    const got = await pipeline.suggest(drawn('function f() {█'), options());
    assert.equal(got?.text, '\n  return 1;\n}');
    assert.equal(seen.cancelled, 1);
  });

  it('an unsure block is kept back although it was ended before the model had told', async () => {
    const { usage } = answered('');
    const pipeline = new CompletionPipeline(async (_call, { signal, onText, onUsage }) => {
      for (const line of ['\n', '  return 1;\n', '}\n', '\n', 'function g() {}\n']) {
        onUsage?.(usage, -2);
        onText(line);
        await sleep(1);
        if (signal.aborted) throw cancelled();
      }
      return answered('never');
    });
    assert.equal(await pipeline.suggest(drawn('function f() {█'), options()), null);
    const [{ outcome, run } = assert.fail()] = pipeline.log.all;
    assert.deepEqual([outcome.kind, run!.usage, run!.meanLogProb], ['unsure', usage, -2]);
    const manual = { ...options(), isManual: true, isSaving: true };
    assert.equal((await pipeline.suggest(drawn('function f() {█'), manual))?.meanLogProb, -2);
    assert.equal(
      pipeline.log.all[0]!.run?.written.startsWith('\n  return 1;'),
      true,
      'known, and still explained',
    );
  });

  it('shows no indentation to the model on a blank line', async () => {
    const { pipeline, seen } = model('    a();');
    const got = await pipeline.suggest(drawn('f {\n    █\n}'), options());
    assert.equal(got?.text, 'a();');
    assert.equal(seen.calls[0]!.middle, 'f {\n');
  });

  it('joins on a blank line only what will be of use there', async () => {
    const text = 'f {\n    a();\n    █\n}';
    const at = (typed: string) => drawn(text.replace('█', `${typed}█`));
    const second = async (written: string, typed: string) => {
      const { pipeline, seen } = model(written, 20);
      const first = new AbortController();
      void pipeline.suggest(at(''), options(first.signal));
      await sleep(70);
      first.abort();
      const got = await pipeline.suggest(at(typed), { ...options(), isSaving: true });
      return [got?.source, seen.calls.length, seen.cancelled];
    };
    assert.deepEqual(await second('    foo(a, b);', 'f'), ['running', 1, 0]);
    assert.deepEqual(await second('    foo(a, b);', '\n    '), ['model', 2, 1]);
    assert.deepEqual(await second('    foo(a, b);', '    '), ['model', 2, 1]);
  });

  it('joins no run of one line from the next one', async () => {
    const { pipeline, seen } = model('\n  foo(a, b);', 20);
    const first = new AbortController();
    void pipeline.suggest(drawn('x = █'), options(first.signal));
    await sleep(5);
    first.abort();
    await pipeline.suggest(drawn('x = \n  █'), { ...options(), isSaving: true });
    assert.deepEqual([seen.calls.length, seen.cancelled], [2, 1]);
  });

  it('says when the model fails', async () => {
    const pipeline = new CompletionPipeline(async () => {
      throw new Error('down');
    });
    await assert.rejects(pipeline.suggest(drawn('x = █'), options()), /down/);
  });

  it('prepares what follows a suggestion that is being read, so that it is there on accept', async () => {
    const { pipeline, seen } = model('a, b');
    await pipeline.suggest(drawn('call(█)'), options());
    while (seen.calls.length < 2) await sleep(5);
    await sleep(100); // it is written
    assert.equal(seen.calls.length, 2);
    const next = await pipeline.suggest(drawn('call(a, b█)'), options());
    assert.equal(next?.source, 'cache');
    assert.equal(seen.calls.length, 2);
  });

  it('prepares nothing while it saves power, or when the next key comes first', async () => {
    const saving = model('a, b');
    await saving.pipeline.suggest(drawn('call(█)'), { ...options(), isSaving: true });
    const typing = model('a, b');
    await typing.pipeline.suggest(drawn('call(█)'), options());
    await sleep(300);
    await typing.pipeline.suggest(drawn('call(a█)'), { ...options(), isSaving: true });
    await sleep(500);
    assert.deepEqual([saving.seen.calls.length, typing.seen.calls.length], [1, 1]);
  });

  it('prepares nothing more once the suggestion was sent away', async () => {
    const early = model('a, b');
    await early.pipeline.suggest(drawn('call(█)'), options());
    early.pipeline.dismiss();
    const late = model('a, b', 100);
    await late.pipeline.suggest(drawn('call(█)'), options());
    await sleep(500);
    late.pipeline.dismiss();
    await sleep(200);
    assert.deepEqual([early.seen.calls.length, late.seen.calls.length, late.seen.cancelled], [1, 2, 1]);
  });

  it('keeps an unsure suggestion to itself until it is asked for, or begun', async () => {
    const { pipeline, seen } = model('foobar(a);', 1, -2.5);
    const quiet = { ...options(), isSaving: true };
    assert.equal(await pipeline.suggest(drawn('x = █'), quiet), null);
    assert.equal(pipeline.log.all[0]!.outcome.kind, 'unsure');
    assert.equal((await pipeline.suggest(drawn('x = █'), { ...quiet, isManual: true }))?.text, 'foobar(a);');
    assert.equal(
      (await pipeline.suggest(drawn('x = █'), { ...quiet, showsUnsure: true }))?.meanLogProb,
      -2.5,
    );
    assert.equal((await pipeline.suggest(drawn('x = foo█'), quiet))?.text, 'bar(a);');
    assert.equal(seen.calls.length, 1);
  });

  it('is silent where a suggestion was dismissed, and speaks again when asked or elsewhere', async () => {
    const { pipeline } = model('foo(a);');
    const quiet = { ...options(), isSaving: true };
    await pipeline.suggest(drawn('x = █'), quiet);
    pipeline.dismiss();
    assert.equal(await pipeline.suggest(drawn('x = █'), quiet), null);
    assert.ok(await pipeline.suggest(drawn('x = █'), { ...quiet, isManual: true }));
    assert.ok(await pipeline.suggest(drawn('y = █'), quiet));
  });

  it('is silent while the rest of a dismissed suggestion is typed, until something else is', async () => {
    const { pipeline, seen } = model('foo(a);');
    const quiet = { ...options(), isSaving: true };
    await pipeline.suggest(drawn('x = █'), quiet);
    pipeline.dismiss();
    assert.equal(await pipeline.suggest(drawn('x = f█'), quiet), null);
    assert.equal(await pipeline.suggest(drawn('x = foo(█)'), quiet), null);
    assert.equal(seen.calls.length, 1);
    assert.ok(await pipeline.suggest(drawn('x = foo(b█)'), quiet));
  });

  it('finds other answers while the first is read, and gives them when it is asked again', async () => {
    const seeds: (number | undefined)[] = [];
    const pipeline = new CompletionPipeline(async call => {
      seeds.push(call.seed);
      return answered(call.seed === 2 ? 'two();' : 'one();');
    });
    const manual = { ...options(), isManual: true, isSaving: true };
    const texts = async () => (await pipeline.suggestAll(drawn('x = █'), manual)).map(({ text }) => text);
    assert.deepEqual(await texts(), ['one();']);
    await sleep(20);
    assert.deepEqual(await texts(), ['one();', 'two();']);
    assert.deepEqual(seeds, [undefined, 1, 2]);
  });

  it('where one is shown already it waits for others, and while it looks for them nothing else is begun', async () => {
    const calls: CompletionCall[] = [];
    const pipeline = new CompletionPipeline(async (call, { signal }) => {
      calls.push(call);
      // Longer than it takes until the next one is prepared.
      await sleep(call.seed === undefined ? 1 : 300);
      if (signal.aborted) throw cancelled();
      return answered(`${['one', 'two', 'three'][call.seed ?? 0]}();`);
    });
    const cursor = drawn('x = █');
    await pipeline.suggest(cursor, options());
    const asked = pipeline.suggestAll(cursor, { ...options(), isManual: true });
    await sleep(100);
    await pipeline.readAhead(cursor);
    assert.deepEqual(
      (await asked).map(({ text }) => text),
      ['one();', 'two();', 'three();'],
    );
    assert.deepEqual(
      calls.map(({ seed }) => seed),
      [undefined, 1, 2],
    );
  });

  it('tells of others that came after the first was shown, only while it is', async () => {
    const heard: string[] = [];
    const pipeline = new CompletionPipeline(async ({ seed }) => {
      await sleep(5);
      return answered(seed === undefined ? 'one();' : 'two();');
    });
    pipeline.onDidFindOthers(({ before }) => heard.push(before));
    const manual = { ...options(), isManual: true, isSaving: true };
    assert.equal((await pipeline.suggestAll(drawn('x = █'), manual)).length, 1);
    while (heard.length === 0) await sleep(5);
    assert.deepEqual(heard, ['x = ']);
    await pipeline.suggestAll(drawn('y = █'), manual);
    pipeline.dismiss();
    await sleep(30);
    assert.deepEqual(heard, ['x = ']);
  });

  it('looks for no others where nobody asked by hand, and drops them for a key', async () => {
    const quiet = { ...options(), isSaving: true };
    const { pipeline, seen } = model('foo(a);', 20);
    await pipeline.suggestAll(drawn('x = █'), quiet);
    await sleep(20);
    assert.equal(seen.calls.length, 1);
    const others = pipeline.suggestAll(drawn('x = █'), { ...quiet, isManual: true });
    await sleep(5);
    await pipeline.suggest(drawn('y = █'), quiet);
    assert.equal((await others).length, 1);
    assert.deepEqual(
      seen.calls.map(({ seed }) => seed),
      [undefined, 1, undefined],
    );
    assert.equal(seen.cancelled, 1);
  });

  it('remembers why: what was shown, what a filter dropped, where it was silent', async () => {
    const { pipeline } = model('const c = 3;');
    const quiet = { ...options(), isSaving: true };
    await pipeline.suggest(drawn('const a = 1;\n█\nconst c = 3;'), quiet);
    await pipeline.suggest(drawn('const na█me = 1'), quiet);
    await pipeline.suggest(drawn('let b;\n█'), quiet);
    const [shown, silent, dropped] = pipeline.log.all;
    assert.deepEqual(dropped!.outcome, { kind: 'dropped', by: 'overlap' });
    assert.deepEqual(silent!.outcome, { kind: 'silent', reason: 'in the middle of a word' });
    assert.equal(shown!.outcome.kind, 'shown');
    assert.equal(shown!.run!.written, 'const c = 3;');
    assert.equal(shown!.run!.usage!.reusedTokens, 90);
  });
});
