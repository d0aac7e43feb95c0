import assert from 'node:assert/strict';
import {
  inCode,
  mentionsOfImport,
  nextAfter,
  occurrencesOf,
  renameBetween,
} from '../../../src/completion/next-edit.ts';
import { testGrammars } from '../../support/grammars.ts';

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

  describe('in code only', () => {
    const grammars = testGrammars();
    before(() => grammars.load('python'));
    const text = 'total = 1  # the total\nprint("total", f"{total}", total)\n';

    it('passes over comments and strings, but not over code in a string', () => {
      const places = inCode(occurrencesOf('total', text), text, 'python', grammars);
      assert.deepEqual(places, [0, text.indexOf('{total') + 1, text.indexOf(' total)') + 1]);
    });

    it('takes all where there is no grammar', () =>
      assert.equal(inCode(occurrencesOf('total', text), text, 'klingon', grammars).length, 5));
  });

  describe('in a file that imports', () => {
    const check = (what: string, text: string, expected: number) =>
      it(what, () => {
        const drawn = text.replaceAll('‹', '').replaceAll('›', '');
        const marked = [...text.matchAll(/‹/g)].map(({ index }, i) => index - 2 * i);
        assert.deepEqual(mentionsOfImport('total', drawn), marked);
        assert.equal(marked.length, expected);
      });
    check(
      'a name of Python',
      'from cart import (\n    item,\n    ‹total›,\n)\nprint(‹total›(x), x.total)\n',
      2,
    );
    check('a name of JavaScript', "import { item, ‹total› } from './cart';\nx.total = ‹total›();", 2);
    check('one that is required', "const { ‹total› } = require('./cart');\n‹total›();", 2);
    check('one of Rust', 'use crate::cart::{item, ‹total›};\nlet x = ‹total›();', 2);
    check('a member of what is imported', 'import cart\ntotal = cart.‹total›()\n', 1);
    check('its own of the same name', 'import cart\ntotal = 1\nprint(total)\n', 0);
  });
});
