import assert from 'node:assert/strict';
import { PromptLookup } from '../../../src/engine/prompt-lookup.ts';

const CHEAP = 0.05;

describe('PromptLookup', () => {
  it('continues the last two tokens as they went on before', () => {
    const lookup = new PromptLookup([1, 2, 3, 4, 5, 6, 9, 2, 3]);
    assert.deepEqual(lookup.draft(3, CHEAP), [4, 5, 6]);
    assert.deepEqual(lookup.draft(2, CHEAP), [4, 5]);
    assert.deepEqual(lookup.draft(0, CHEAP), []);
    lookup.push(8);
    assert.deepEqual(lookup.draft(3, CHEAP), [], 'the pair 3 8 is new');
  });

  it('prefers the longest match, and of equal ones the nearest', () => {
    const longest = new PromptLookup([7, 1, 2, 30, 8, 1, 2, 40, 7, 1, 2]);
    assert.equal(longest.draft(8, CHEAP)[0], 30);
    const nearest = new PromptLookup([5, 1, 2, 30, 6, 1, 2, 40, 7, 1, 2]);
    assert.equal(nearest.draft(8, CHEAP)[0], 40);
  });

  it('drafts less the dearer a row is, and not at all when it is dearer than the chance to be right', () => {
    const text = Array.from({ length: 40 }, (_, i) => i);
    const lookup = () => new PromptLookup([...text, 5, 6, 7]);
    const lengths = [0.01, 0.1, 0.3, 0.9].map(cost => lookup().draft(99, cost).length);
    assert.deepEqual(lengths, [7, 3, 2, 0]);
  });

  it('drafts nothing where something else promises more', () => {
    const lookup = () => new PromptLookup([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 0, 2, 3, 4]);
    assert.ok(lookup().draft(8, 0.25, 0.3).length > 0);
    assert.deepEqual(lookup().draft(8, 0.25, 0.5), []);
    assert.deepEqual(lookup().draft(1, 0.25, 0.3), [5], 'room for one, which is worth its row');
    assert.deepEqual(lookup().draft(1, 0.25, 0.31), []);
  });

  it('learns from answers and tries again after a bad stretch', () => {
    const lookup = new PromptLookup([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 0, 2, 3, 4]);
    const length = lookup.draft(8, 0.3).length;
    for (let i = 0; i < 8; i++) lookup.learn(length, length);
    assert.ok(lookup.draft(8, 0.3).length > length);
    for (let i = 0; i < 40; i++) lookup.learn(0, 4);
    assert.deepEqual(lookup.draft(8, 0.3), []);
    let tries = 0;
    while (lookup.draft(8, 0.3).length === 0) assert.ok(++tries < 100, 'it never drafts again');
    assert.ok(tries > 5);
  });

  it('knows nothing of an empty or a short text', () => {
    assert.deepEqual(new PromptLookup([]).draft(4, CHEAP), []);
    assert.deepEqual(new PromptLookup([1]).draft(4, CHEAP), []);
    assert.deepEqual(new PromptLookup([1, 1, 1]).draft(4, CHEAP), [1]);
  });
});
