import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import { cancelled } from '../../../src/base/errors.ts';
import {
  type CompletionCall,
  CompletionPipeline,
  type SuggestOptions,
} from '../../../src/completion/pipeline.ts';
import { drawn } from './drawn.ts';

/** A model that writes `text` piece by piece; remembers its calls and how many ended by cancellation. */
function model(text: string, pieceMs = 5) {
  const calls: CompletionCall[] = [];
  const seen = { calls, cancelled: 0 };
  const pipeline = new CompletionPipeline(async (call, { signal, onText }) => {
    calls.push(call);
    for (const piece of text.match(/[\s\S]{1,3}/g) ?? []) {
      await sleep(pieceMs);
      if (signal.aborted) {
        seen.cancelled++;
        throw cancelled();
      }
      onText(piece);
    }
    return { text, finish: 'stop' };
  });
  return { pipeline, seen };
}

const options = (signal = new AbortController().signal, delayMs = 0): SuggestOptions => ({
  isManual: false,
  multiline: 'auto',
  delayMs,
  signal,
});

describe('completion/pipeline', () => {
  it('asks once, then answers typed-through text from the cache', async () => {
    const { pipeline, seen } = model('foo(a, b);');
    assert.deepEqual(await pipeline.suggest(drawn('const x = █'), options()), {
      text: 'foo(a, b);',
      replaceAfter: 0,
      source: 'model',
    });
    const through = await pipeline.suggest(drawn('const x = foo(█)'), options());
    assert.deepEqual(through, { text: 'a, b);', replaceAfter: 1, source: 'cache' });
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
    assert.deepEqual(joined, { text: 'o(a, b);', replaceAfter: 0, source: 'running' });
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
    await sleep(350);
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

  it('shows no indentation to the model on a blank line', async () => {
    const { pipeline, seen } = model('    a();');
    const got = await pipeline.suggest(drawn('f {\n    █\n}'), options());
    assert.equal(got?.text, 'a();');
    assert.equal(seen.calls[0]!.middle, 'f {\n');
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

  it('says when the model fails', async () => {
    const pipeline = new CompletionPipeline(async () => {
      throw new Error('down');
    });
    await assert.rejects(pipeline.suggest(drawn('x = █'), options()), /down/);
  });
});
