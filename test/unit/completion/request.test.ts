import assert from 'node:assert/strict';
import { completeParams } from '../../../src/completion/request.ts';

const CALL = { path: 'a.py', prefix: 'def ', middle: 'f', suffix: '\n', isSingleLine: true, maxTokens: 48 };
const COMMON = {
  path: 'a.py',
  prefix: 'def ',
  middle: 'f',
  suffix: '\n',
  maxTokens: 48,
  temperature: 0,
  level: 'exact',
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
});
