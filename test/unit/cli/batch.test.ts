import assert from 'node:assert/strict';
import { runBatch } from '../../../src/cli/batch.ts';
import { idOf, parseRecord } from '../../../src/cli/batch-record.ts';
import { hooksFor } from '../../../src/cli/engine-session.ts';
import type { ExpertLevel } from '../../../src/protocol/daemon.ts';
import { scriptedEngine } from './scripted-engine.ts';

async function* lines(...texts: string[]) {
  yield* texts;
}

async function batch(texts: string[], answer: (request: object) => string, level?: ExpertLevel) {
  const { engine, requests } = scriptedEngine(answer);
  const results: Record<string, unknown>[] = [];
  const hooks = hooksFor(new AbortController().signal);
  const write = async (result: object) => void results.push({ ...result });
  const failures = await runBatch(lines(...texts), engine, { level, hooks, write });
  return { failures, results, requests };
}

describe('batch', () => {
  it('answers every kind with the fields of a result', async () => {
    const { failures, results } = await batch(
      [
        '{"id":"a","kind":"generate","prompt":"p","maxTokens":3}',
        '{"id":2,"kind":"infill","prefix":"x","suffix":"y","stop":["\\n"]}',
        '{"id":"c","kind":"chat","messages":[{"role":"user","content":"hi"}],"seed":4,"temperature":0.5}',
      ],
      request => ('prefix' in request ? 'middle' : 'text'),
    );
    const counts = {
      finish: 'stop',
      promptTokens: 7,
      reusedTokens: 2,
      outputTokens: 3,
      prefillMs: 12.3,
      decodeMs: 6.8,
    };
    assert.equal(failures, 0);
    assert.deepEqual(results, [
      { id: 'a', text: 'text', ...counts },
      { id: 2, text: 'middle', ...counts },
      { id: 'c', text: 'text', ...counts },
    ]);
  });

  it('hands the record to the engine and nothing else', async () => {
    const { requests } = await batch(
      [
        '{"id":"a","kind":"generate","prompt":"p","maxTokens":3,"experts":"fast"}',
        '{"kind":"chat","messages":[{"role":"user","content":"hi"}],"temperature":0.5,"seed":4}',
        '{"kind":"infill","prefix":"x","middle":"y","suffix":"z","experts":"exact"}',
      ],
      () => '',
      'balanced',
    );
    assert.deepEqual(requests, [
      { requestId: 'batch', kind: 'generate', prompt: 'p', maxTokens: 3, temperature: 0, level: 'fast' },
      {
        requestId: 'batch',
        kind: 'chat',
        messages: [{ role: 'user', content: 'hi' }],
        temperature: 0.5,
        seed: 4,
        level: 'balanced',
      },
      {
        requestId: 'batch',
        kind: 'infill',
        ...{ prefix: 'x', middle: 'y', suffix: 'z', temperature: 0, level: 'exact' },
      },
    ]);
  });

  it('goes on after a bad line and names it', async () => {
    const { failures, results } = await batch(
      [
        'not json',
        '',
        '{"id":"b","kind":"generate"}',
        '{"id":"c","kind":"generate","prompt":"boom"}',
        '{"kind":"generate","prompt":"p"}',
      ],
      request => {
        if ('prompt' in request && request.prompt === 'boom') throw new Error('it broke');
        return 'fine';
      },
    );
    assert.equal(failures, 3);
    const [notJson, noPrompt, broke, fine] = results;
    assert.deepEqual([notJson?.id, notJson?.line], [null, 1]);
    assert.deepEqual([noPrompt?.id, noPrompt?.line], ['b', 3]);
    assert.deepEqual(broke, { id: 'c', line: 4, error: { code: 'internal', message: 'it broke' } });
    assert.deepEqual([fine?.id, fine?.text], [null, 'fine']);
  });

  it('ends when it is cancelled, without a result for the interrupted line', async () => {
    const controller = new AbortController();
    const { engine } = scriptedEngine(() => {
      controller.abort();
      return 'half';
    });
    const results: object[] = [];
    const run = runBatch(
      lines('{"kind":"generate","prompt":"a"}', '{"kind":"generate","prompt":"b"}'),
      engine,
      {
        level: undefined,
        hooks: hooksFor(controller.signal),
        write: async result => void results.push(result),
      },
    );
    await assert.rejects(run, { code: 'cancelled' });
    assert.deepEqual(results, []);
  });
});

describe('batch records', () => {
  const refuse = (line: string, message: RegExp) =>
    it(`refuses ${line.slice(0, 60)}`, () => {
      assert.throws(() => parseRecord(line), { code: 'bad-request', message });
    });
  refuse('[1]', /object/);
  refuse('{"kind":"sing"}', /`kind`/);
  refuse('{"kind":"infill","prefix":"a"}', /`suffix`/);
  refuse('{"kind":"generate","prompt":"a","maxTokens":0}', /`maxTokens`/);
  refuse('{"kind":"generate","prompt":"a","maxTokens":1.5}', /`maxTokens`/);
  refuse('{"kind":"generate","prompt":"a","temperature":-1}', /`temperature`/);
  refuse('{"kind":"generate","prompt":"a","experts":"most"}', /`experts`/);
  refuse('{"kind":"generate","prompt":"a","max_tokens":5}', /max_tokens/);
  refuse('{"kind":"chat","messages":[]}', /`messages`/);
  refuse('{"kind":"chat","messages":[{"role":"king","content":"a"}]}', /`messages\.0\.role`/);

  it('finds the id of lines that are otherwise wrong', () => {
    assert.equal(idOf('{"id":"x","kind":1}'), 'x');
    assert.equal(idOf('{"id":{}}'), null);
    assert.equal(idOf('null'), null);
    assert.equal(idOf('{'), null);
  });
});
