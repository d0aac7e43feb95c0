import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import { MoebiusError } from '../../../src/base/errors.ts';
import { CompletionPipeline } from '../../../src/completion/pipeline.ts';
import type { CompletionCall } from '../../../src/completion/runner.ts';
import { FakeClock } from '../../support/fake-clock.ts';
import { answered } from './answered.ts';
import { drawn } from './drawn.ts';
import { model, options } from './written.ts';

describe('completion/pipeline: what is read and written ahead', () => {
  it('reads a document anew once another one took its place in the engine, or the engine was restarted', async () => {
    const { pipeline, seen } = model('1;', 0);
    const text = Array.from({ length: 300 }, (_, i) => `const x${i} = ${i};\n`).join('');
    const a = drawn(`${text}█`, 'typescript', 'a');
    const b = drawn(`${text}█`, 'typescript', 'b');
    const quiet = { ...options(), isSaving: true };
    const lastSize = () => (({ prefix, middle }) => prefix.length + middle.length)(seen.calls.at(-1)!);
    const key = (cursor: typeof a, typed: string) =>
      pipeline.suggest({ ...cursor, before: `${cursor.before}const ${typed} = ` }, quiet);
    await pipeline.readAhead(a);
    await key(a, 'q');
    const full = lastSize();
    await pipeline.readAhead(b);
    await key(a, 'r');
    assert.ok(lastSize() < full / 2, `${lastSize()} of ${full} characters`);
    await pipeline.readAhead(a);
    await key(a, 's');
    assert.ok(lastSize() >= full / 2);
    pipeline.forgetRead();
    await key(a, 't');
    assert.ok(lastSize() < full / 2);
  });

  it('reads ahead what the next request begins with', async () => {
    const { pipeline, seen } = model('1');
    await pipeline.readAhead(drawn('f {\n    const x = █\n}'));
    await pipeline.suggest(drawn('f {\n    const x = a█\n}'), options());
    const [ahead, asked] = seen.calls;
    assert.equal(ahead!.maxTokens, 0);
    assert.ok(asked!.maxTokens > 0);
    assert.deepEqual([asked!.prefix, asked!.suffix], [ahead!.prefix, ahead!.suffix]);
    assert.deepEqual([ahead!.middle, asked!.middle], ['f {\n    const x = ', 'f {\n    const x = a']);
  });

  it('reads nothing ahead inside a long comment, and at the start of a document no more than a first key needs', async () => {
    const { pipeline, seen } = model('1');
    await pipeline.readAhead(drawn(`/* ${'a story '.repeat(20)}█\n*/`));
    assert.equal(seen.calls.length, 0);
    await pipeline.readAhead(drawn(`█\n${'const x = 1;\n'.repeat(200)}`));
    assert.deepEqual(
      seen.calls.map(({ buffer }) => buffer),
      ['a'],
    );
    await pipeline.readAhead(drawn(`const y = 1;\n█\n${'const x = 1;\n'.repeat(200)}`));
    assert.equal(seen.calls.at(-1)!.buffer, 'b');
  });

  it('writes ahead what the first key is likely to ask for', async () => {
    const { pipeline, seen } = model(' foo(a);', 1);
    await pipeline.readAhead(drawn('const x =█'), undefined, 'auto');
    assert.deepEqual(
      seen.calls.map(({ maxTokens }) => maxTokens > 0),
      [false, true],
    );
    const found = await pipeline.suggest(drawn('const x = █'), { ...options(), isSaving: true });
    assert.deepEqual([found?.text, found?.source, seen.calls.length], ['foo(a);', 'cache', 2]);
  });

  it('writes it again with more before it, unless a key came that is answered from it', async () => {
    const before = Array.from({ length: 200 }, (_, i) => `const x${i} = ${i};\n`).join('');
    const cursor = drawn(`${before}const y =█`);
    const undisturbed = model(' foo(a);', 1);
    await undisturbed.pipeline.readAhead(cursor, undefined, 'auto');
    const kinds = ({ calls }: typeof undisturbed.seen) =>
      calls.map(({ maxTokens, buffer }) => (maxTokens > 0 ? 'write ' : 'read ') + buffer);
    assert.deepEqual(kinds(undisturbed.seen), ['read a', 'write a', 'read b', 'write b']);
    const { pipeline, seen } = model(' foo(a);', 1);
    const ahead = pipeline.readAhead(
      cursor,
      async () => {
        await pipeline.suggest({ ...cursor, before: `${cursor.before} ` }, { ...options(), isSaving: true });
        return [];
      },
      'auto',
    );
    await ahead;
    assert.deepEqual(kinds(seen), ['read a', 'write a', 'read b']);
  });

  it('a key that comes while it is written again ends that, and what is shown stays as it is', async () => {
    const before = Array.from({ length: 200 }, (_, i) => `const x${i} = ${i};\n`).join('');
    const cursor = drawn(`${before}const y = █`);
    const quiet = { ...options(), isSaving: true };
    const texts = ['foo(a);', 'foobar(b);'];
    let key: Promise<unknown> | null = null;
    const pipeline = new CompletionPipeline(async ({ maxTokens }) => {
      if (maxTokens === 0) return answered('');
      const text = texts.shift()!;
      await sleep(1);
      // Its text comes in spite of having been ended: a model takes a while to hear of it.
      if (texts.length === 0) key = pipeline.suggest({ ...cursor, before: `${cursor.before}f` }, quiet);
      await sleep(5);
      return answered(text);
    });
    await pipeline.readAhead(cursor, undefined, 'auto');
    assert.deepEqual([texts.length, key !== null], [0, true]);
    await key;
    const typed = await pipeline.suggest({ ...cursor, before: `${cursor.before}fo` }, quiet);
    assert.equal(typed?.text, 'o(a);');
  });

  it('writes nothing ahead where it was asked already, and where it is silent', async () => {
    const { pipeline, seen } = model('', 1);
    const quiet = { ...options(), isSaving: true };
    await pipeline.suggest(drawn('const x = █'), quiet);
    await pipeline.readAhead(drawn('const x = █'), undefined, 'auto');
    await pipeline.readAhead(drawn('const na█me = 1'), undefined, 'auto');
    assert.deepEqual(
      seen.calls.map(({ maxTokens }) => maxTokens > 0),
      [true, false, false],
    );
  });

  it('gives what it writes ahead up for a key that disagrees, and lets one that agrees join', async () => {
    const { pipeline, seen } = model(' foo(a);', 20);
    void pipeline.readAhead(drawn('const x =█'), undefined, 'auto').catch(() => undefined);
    while (!seen.calls.some(({ maxTokens }) => maxTokens > 0)) await sleep(5);
    const quiet = { ...options(), isSaving: true };
    assert.equal((await pipeline.suggest(drawn('const x =>█'), quiet))?.source, 'model');
    const joined = model(' foo(a);', 20);
    const ahead = joined.pipeline.readAhead(drawn('const x =█'), undefined, 'auto');
    while (!joined.seen.calls.some(({ maxTokens }) => maxTokens > 0)) await sleep(5);
    assert.equal((await joined.pipeline.suggest(drawn('const x = █'), quiet))?.source, 'running');
    await ahead;
  });

  it('asks anew where a key has joined what is given up for a chat', async () => {
    const calls: CompletionCall[] = [];
    let giveUp = (_: Error) => {};
    const pipeline = new CompletionPipeline(async call => {
      calls.push(call);
      if (call.isAhead) await new Promise((_, reject) => (giveUp = reject));
      return answered(call.maxTokens > 0 ? ' foo(a);' : '');
    });
    const before = Array.from({ length: 200 }, (_, i) => `const x${i} = ${i};\n`).join('');
    const ahead = pipeline.readAhead(drawn(`${before}const x =█`), async () => [], 'auto');
    while (!calls.some(call => call.isAhead)) await sleep(1);
    const quiet = { ...options(), isSaving: true };
    const key = pipeline.suggest(drawn(`${before}const x = █`), quiet);
    await sleep(1);
    giveUp(new MoebiusError('cancelled', 'A newer request replaced this one.'));
    assert.equal((await key)?.source, 'model');
    await ahead.catch(() => undefined);
    assert.equal(calls.filter(({ isAhead, maxTokens }) => !isAhead && maxTokens > 0).length, 1);
  });

  it('writes it after all, at the next occasion, where it was given up for a chat', async () => {
    let isChatting = true;
    const written: boolean[] = [];
    const pipeline = new CompletionPipeline(async call => {
      if (call.maxTokens > 0) written.push(call.isAhead === true);
      if (call.isAhead && isChatting) throw new MoebiusError('cancelled', 'A chat is waiting.');
      return answered(call.maxTokens > 0 ? ' foo(a);' : '');
    });
    const readAhead = () => pipeline.readAhead(drawn('const x =█'), undefined, 'auto');
    await readAhead();
    isChatting = false;
    await readAhead();
    await readAhead();
    assert.deepEqual(written, [true, true], 'once more, and then it is known');
    const found = await pipeline.suggest(drawn('const x = █'), { ...options(), isSaving: true });
    assert.equal(found?.source, 'cache');
  });

  it('prepares nothing further once what it prepares is given up', async () => {
    const clock = new FakeClock();
    const calls: CompletionCall[] = [];
    const pipeline = new CompletionPipeline(async call => {
      calls.push(call);
      if (call.isAhead) throw new MoebiusError('cancelled', 'A newer request replaced this one.');
      return answered('foo()');
    }, clock);
    assert.equal((await pipeline.suggest(drawn('f() {\n  let x = █\n}\n'), options()))?.text, 'foo()');
    await clock.advance(400);
    assert.deepEqual(
      calls.map(({ isAhead = false }) => isAhead),
      [false, true],
    );
  });

  it('reads more in idle time, in the other sequence, and drops it when a key needs the model', async () => {
    const before = Array.from({ length: 200 }, (_, i) => `const x${i} = ${i};\n`).join('');
    const calls: CompletionCall[] = [];
    let isSlow = true;
    const pipeline = new CompletionPipeline(async (call, { signal }) => {
      calls.push(call);
      if (call.maxTokens === 0 && call.buffer === 'b' && isSlow) {
        await new Promise((_, reject) =>
          signal.addEventListener('abort', () => reject(new Error('dropped'))),
        );
      }
      return answered('1;');
    });
    const quiet = { ...options(), isSaving: true };
    await pipeline.suggest(drawn(`${before}const y = █`), quiet);
    const reading = assert.rejects(pipeline.readAhead(drawn(`${before}const y = █`)), /dropped/);
    await sleep(1);
    await pipeline.suggest(drawn(`${before}const z = █`), quiet);
    await reading;
    isSlow = false;
    await pipeline.readAhead(drawn(`${before}const z = █`));
    await pipeline.suggest(drawn(`${before}const zz = █`), quiet);
    assert.deepEqual(
      calls.map(({ buffer }) => buffer),
      ['a', 'a', 'b', 'a', 'a', 'b', 'b'],
    );
    assert.ok(calls[6]!.prefix.length > 2 * calls[0]!.prefix.length);
  });

  it('once the document was read, takes enough of other files along to tell something, on a slow machine too', async () => {
    const { pipeline } = model('1;', 1);
    const before = Array.from({ length: 200 }, (_, i) => `const x${i} = ${i};\n`).join('');
    const budgets: number[] = [];
    const pause = (cursor: ReturnType<typeof drawn>) =>
      pipeline.readAhead(cursor, async budgetChars => {
        budgets.push(budgetChars);
        return budgetChars < 2000 ? [] : [{ path: 'b.ts', text: 'export const b = 1;\n' }];
      });
    await pause(drawn(`${before}const y = █`));
    await pause(drawn(`${before}const y = █`));
    assert.ok(budgets[0]! < 1000 && budgets[1]! >= 2000, budgets.join());
    await pause(drawn(`const z = 1;\n█\n${before}`));
    assert.ok(budgets[2]! >= 2000, 'they stay where the cursor goes elsewhere in the file');
  });

  it('takes other files along that there was time to read', async () => {
    const { pipeline, seen } = model('1;', 1);
    const budgets: number[] = [];
    await pipeline.readAhead(drawn('const y = █'), async budgetChars => {
      budgets.push(budgetChars);
      return [{ path: 'b.ts', text: 'export const b = 1;\n' }];
    });
    await pipeline.suggest(drawn('const y = █'), { ...options(), isSaving: true });
    assert.ok(budgets[0]! > 0);
    assert.deepEqual(
      seen.calls.map(({ files }) => files.length),
      [0, 1, 1],
    );
  });

  it('keeps prompts within the context, and makes them smaller after one did not fit', async () => {
    const before = Array.from({ length: 600 }, (_, i) => `const value${i} = compute(${i});\n`).join('');
    const sizes: number[] = [];
    let charsPerToken = 2.6;
    const pipeline = new CompletionPipeline(async ({ prefix, middle, suffix, files, maxTokens }) => {
      const text = files.map(file => file.text).join('') + prefix + suffix + middle;
      sizes.push(text.length);
      const promptTokens = text.length / charsPerToken;
      if (promptTokens + maxTokens > 2048) throw new MoebiusError('context-full', 'too long');
      const answer = answered('1;');
      return { ...answer, usage: { ...answer.usage, promptTokens, reusedTokens: 0 } };
    });
    pipeline.fitTo(2048);
    pipeline.assumeReadSpeed(2000);
    const cursor = drawn(`${before}const y = █\n${before}`);
    const filesFor = async (chars: number) => [{ path: 'b.ts', text: 'b'.repeat(chars) }];
    await pipeline.readAhead(cursor, filesFor);
    assert.ok(sizes.at(-1)! > 3000, sizes.join());
    const largest = sizes.at(-1);
    charsPerToken = 1.3;
    pipeline.forgetRead();
    await assert.rejects(pipeline.readAhead(cursor, filesFor), /too long/);
    await pipeline.readAhead(cursor, filesFor);
    assert.ok(sizes.at(-1)! > 2000, sizes.join());
    assert.ok(
      await pipeline.suggest(drawn(`${before}const yy = █\n${before}`), { ...options(), isSaving: true }),
    );
    // What is dense in that document is forgotten with it.
    charsPerToken = 2.6;
    pipeline.clear();
    await pipeline.readAhead(cursor, filesFor);
    assert.equal(sizes.at(-1), largest);
  });

  it('starts with as much as was read in a second at another time', async () => {
    const { pipeline, seen } = model('1;', 0);
    const before = Array.from({ length: 600 }, (_, i) => `const value${i} = compute(${i});\n`).join('');
    pipeline.assumeReadSpeed(400);
    await pipeline.suggest(drawn(`${before}const y = █`), { ...options(), isSaving: true });
    const { prefix, middle } = seen.calls[0]!;
    assert.ok(prefix.length + middle.length > 1200);
  });

  it('has more of the document before the cursor, and after it, where much is read in a pause', async () => {
    const before = Array.from({ length: 600 }, (_, i) => `const value${i} = compute(${i});\n`).join('');
    const cursor = drawn(`${before}const y = █\n${before}`);
    const farSizes = async (tokensPerSecond: number) => {
      const { pipeline, seen } = model('', 0);
      pipeline.assumeReadSpeed(tokensPerSecond);
      let files = 0;
      await pipeline.readAhead(cursor, async chars => {
        files = chars;
        return [];
      });
      const { prefix, middle, suffix } = seen.calls.find(({ buffer }) => buffer === 'b')!;
      return [prefix.length + middle.length, suffix.length, files].map(size => Math.ceil(size / 500));
    };
    assert.deepEqual(await farSizes(90), [3, 1, 2], 'a slow one: 1,500, 15 lines, and the rest');
    assert.deepEqual(await farSizes(600), [12, 3, 20], 'a fast one: 6,000, 38 lines, and the rest');
  });

  describe('past the end of a statement', () => {
    /** Writes the first of `answers` whose key ends what stands before the cursor, else nothing. */
    const scripted = (answers: Record<string, string>) => {
      const clock = new FakeClock();
      const calls: CompletionCall[] = [];
      const pipeline = new CompletionPipeline(async call => {
        calls.push(call);
        const key = Object.keys(answers).find(end => call.middle.endsWith(end));
        return answered(call.maxTokens > 0 && key !== undefined ? answers[key]! : '');
      }, clock);
      return { pipeline, calls, clock };
    };
    const START = 'f() {\n  let x = █\n}\n';
    const at = (typed: string) => drawn(START.replace('█', `${typed}█`));

    it('has what follows it ready for Enter when it is accepted, and shows nothing before', async () => {
      const { pipeline, calls, clock } = scripted({
        'x = ': 'foo();',
        'foo();\n': '  bar(x);\n  baz(x);\n}',
      });
      assert.equal((await pipeline.suggest(at(''), options()))?.text, 'foo();');
      await clock.advance(400);
      assert.deepEqual([calls.length, calls[1]!.isSingleLine], [2, false]);
      assert.equal(await pipeline.suggest(at('foo();'), options()), null);
      const next = await pipeline.suggest(at('foo();\n  '), options());
      assert.deepEqual([next?.text, next?.source, calls.length], ['bar(x);\n  baz(x);', 'cache', 2]);
      await pipeline.suggest(at('foo();\n'), options());
      assert.equal(calls.length, 3, 'the editor indents in another way: it is asked anew');
    });

    it('likewise where the model has nothing to add to the line', async () => {
      const { pipeline, calls, clock } = scripted({ 'x = ': 'foo()', 'foo()\n': '  bar(x)' });
      await pipeline.suggest(at(''), options());
      await clock.advance(400);
      assert.equal(calls.length, 3);
      const next = await pipeline.suggest(at('foo()\n  '), options());
      assert.deepEqual([next?.text, next?.source], ['bar(x)', 'cache']);
    });

    it('writes in a pause what Enter is likely to ask for', async () => {
      const { pipeline, calls } = scripted({ 'foo();\n': '  bar(x);' });
      await pipeline.readAhead(at('foo();'), undefined, 'auto');
      const writes = () => calls.filter(({ maxTokens }) => maxTokens > 0).length;
      assert.equal(writes(), 1);
      await pipeline.readAhead(at('foo();'), undefined, 'auto');
      assert.equal(writes(), 1, 'it is known');
      assert.equal(await pipeline.suggest(at('foo();'), options()), null);
      assert.equal((await pipeline.suggest(at('foo();\n  '), options()))?.source, 'cache');
    });

    it('writes nothing where the block is left, and where the line goes on', async () => {
      const { pipeline, calls } = scripted({});
      await pipeline.readAhead(drawn('f() {\n  return 1;█\n}\n'), undefined, 'auto');
      await pipeline.readAhead(drawn('f() {\n  a();█ b();\n}\n'), undefined, 'auto');
      assert.deepEqual(
        calls.filter(({ maxTokens }) => maxTokens > 0),
        [],
      );
    });
  });
});
