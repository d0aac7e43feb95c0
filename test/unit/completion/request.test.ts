import assert from 'node:assert/strict';
import { completeBy, completeParams } from '../../../src/completion/request.ts';
import { answered } from './answered.ts';

const CALL = {
  path: 'a.py',
  prefix: 'def ',
  middle: 'f',
  suffix: '\n',
  files: [],
  buffer: 'a',
  isSingleLine: true,
  maxTokens: 48,
} as const;
const COMMON = {
  path: 'a.py',
  prefix: 'def ',
  middle: 'f',
  suffix: '\n',
  maxTokens: 48,
  temperature: 0,
  level: 'exact',
  sequence: 'completion',
};

describe('what ghost text asks of a model', () => {
  it('one line: greedy, with all experts, in its time', () => {
    const expected = { ...COMMON, singleLine: true, stop: [], decodeBudgetMs: 1500 };
    assert.deepEqual(completeParams(CALL, 1500), expected);
  });

  it('a block ends at the second empty line', () => {
    const expected = { ...COMMON, singleLine: false, stop: ['\n\n\n'], decodeBudgetMs: 200 };
    assert.deepEqual(completeParams({ ...CALL, isSingleLine: false }, 200), expected);
  });

  it('other files, in the sequence that has read them', () => {
    const files = [{ path: 'b.py', text: 'b = 1\n' }];
    const { sequence, files: sent } = completeParams({ ...CALL, files, buffer: 'b' }, 200);
    assert.deepEqual([sequence, sent], ['completion-ahead', files]);
  });

  it('another answer, when there is one already', () => {
    const { temperature, seed } = completeParams({ ...CALL, seed: 2 }, 200);
    assert.ok(temperature! > 0);
    assert.equal(seed, 2);
  });

  it('says where nobody asked yet', () => {
    assert.equal(completeParams({ ...CALL, isAhead: true }, 200).ahead, true);
    assert.equal('ahead' in completeParams(CALL, 200), false);
  });

  it('passes on the text, what it took, and how sure the model was', async () => {
    const seen: unknown[] = [];
    const { usage, ...answer } = answered('a\n', -0.5);
    const complete = completeBy(
      {
        async complete(_params, { onEvent } = {}) {
          onEvent?.({ type: 'usage', usage, decodeTokensPerSecond: 1, meanLogProb: -0.5 });
          onEvent?.({ type: 'text', text: 'a\n' });
          return { ...answer, usage };
        },
      },
      200,
    );
    await complete(CALL, {
      signal: new AbortController().signal,
      onText: text => seen.push(text),
      onUsage: (...told) => seen.push(told),
    });
    assert.deepEqual(seen, [[usage, -0.5], 'a\n']);
  });
});
