import assert from 'node:assert/strict';
import { levelFor, readLevel } from '../../../src/host/chat/level.ts';
import { modelInfo } from './support.ts';

describe('the level of a chat', () => {
  const dense = modelInfo(8192);
  const carved = modelInfo(8192, { shared: 1, routed: 8, perTokenByLevel: {}, chatLevel: 'fast' });

  it('is the one that was chosen, of those that the model has', () => {
    assert.equal(levelFor('fast', dense), 'fast');
    assert.equal(levelFor('exact', carved), 'exact');
    assert.equal(levelFor('balanced', carved), 'exact');
  });

  it("is the model's own where nobody chose", () => {
    assert.equal(levelFor('auto', carved), 'fast');
    assert.equal(levelFor('auto', dense), 'exact');
  });

  it('is read from settings that may hold anything', () => {
    assert.equal(readLevel('fast'), 'fast');
    for (const value of [undefined, null, 'quick', 3]) assert.equal(readLevel(value), 'auto');
  });
});
