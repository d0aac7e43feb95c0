import assert from 'node:assert/strict';
import { completeParams } from '../../../src/completion/request.ts';

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
});
