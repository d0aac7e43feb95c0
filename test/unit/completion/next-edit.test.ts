import assert from 'node:assert/strict';
import { nextAfter, occurrencesOf, renameBetween } from '../../../src/completion/next-edit.ts';

describe('completion/next-edit', () => {
  const check = (name: string, old: string, text: string, expected: [string, string] | null) =>
    it(name, () => {
      const rename = renameBetween(old, text);
      assert.deepEqual(rename && [rename.from, rename.to], expected);
      if (rename) assert.ok(text.startsWith(rename.to, rename.offset));
    });
  check('a name became longer', 'let count = 1;', 'let counter = 1;', ['count', 'counter']);
  check('its beginning changed', 'let count = 1;', 'let account = 1;', ['count', 'account']);
  check('its middle changed', 'let itemCount = 1;', 'let itemAmount = 1;', ['itemCount', 'itemAmount']);
  check('another name altogether', 'let count = 1;', 'let total = 1;', ['count', 'total']);
  check('at the end of the text', 'return count', 'return total', ['count', 'total']);
  check('a name is not a rename of nothing', 'let  = 1;', 'let count = 1;', null);
  check('more than the name', 'let count = 1;', 'let total = 2;', null);
  check('two names', 'f(aaa, bbb)', 'f(ccc, ddd)', null);
  check('a number', 'x = 1000;', 'x = 2000;', null);
  check('too short to mean the same elsewhere', 'let i = 1;', 'let j = 1;', null);
  check('nothing', 'let count = 1;', 'let count = 1;', null);

  it('finds whole words', () => {
    assert.deepEqual(occurrencesOf('count', 'count counter account count, $count count'), [0, 22, 36]);
  });

  it('goes on below the cursor, then from the top', () => {
    assert.equal(nextAfter([5, 20, 40], 10), 20);
    assert.equal(nextAfter([5, 20, 40], 50), 5);
    assert.equal(nextAfter([], 50), null);
  });
});
