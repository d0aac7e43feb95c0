import assert from 'node:assert/strict';
import {
  isOwnName,
  mentionsOfImport,
  namesAt,
  nextAfter,
  occurrencesOf,
  RenameWatch,
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

  describe('from one pause to the next', () => {
    /** What each text after the first is taken for; `!` before a text: the one before it was dismissed. */
    const check = (what: string, texts: string[], expected: (string | null)[]) =>
      it(what, () => {
        const watch = new RenameWatch();
        const told = texts.slice(1).map((text, i) => {
          if (text.startsWith('!')) watch.dismiss();
          const rename = watch.since(texts[i]!.replace('!', ''), text.replace('!', ''));
          return rename && `${rename.from} ${rename.to}`;
        });
        assert.deepEqual(told, expected);
      });
    check(
      'a name that is typed on goes on being renamed',
      ['count', 'count1', 'counter'],
      ['count count1', 'count counter'],
    );
    check(
      'another name that is typed on, likewise',
      ['f(count)', 'f(tot)', 'f(total)'],
      ['count tot', 'count total'],
    );
    check('a word that was just begun is not renamed', ['x = ;', 'x = user;', 'x = userName;'], [null, null]);
    check(
      'nor one that was begun with two pauses',
      ['x = ;', 'x = us;', 'x = user;', 'x = userName;'],
      [null, null, null],
    );
    check(
      'nor one in which a letter was wrong',
      ['x = ;', 'x = usr;', 'x = user;', 'x = userName;'],
      [null, null, null],
    );
    check(
      'one that stood there before something was put in elsewhere is',
      ['user;', 'user;\nlog', 'userName;\nlog'],
      [null, 'user userName'],
    );
    check('a name that stands there elsewhere took its place', ['aaaa bbbb', 'bbbb bbbb'], [null]);
    check(
      'what was dismissed is not told again, another one is',
      ['count = size', 'count1 = size', '!counter = size', 'counter = length'],
      ['count count1', null, 'size length'],
    );
  });

  describe('by the tree', () => {
    const grammars = testGrammars();
    const names = (text: string, name: string, languageId: string) =>
      namesAt(occurrencesOf(name, text), text, languageId, grammars);

    it('passes over comments and strings, but not over code in a string', async () => {
      await grammars.load('python');
      const text = 'total = 1  # the total\nprint("total", f"{total}", total)\n';
      const places = [0, text.indexOf('{total') + 1, text.indexOf(' total)') + 1];
      assert.deepEqual(names(text, 'total', 'python'), places);
    });

    it('tells nothing where there is no grammar', () =>
      assert.equal(names('total', 'total', 'klingon'), null));

    for (const [languageId, drawn] of [
      [
        'typescript',
        'class ‹Foo1› { #‹priv› = 1; get ‹abc›(): ‹Bar1› { return this.‹abc›; } } ‹lab›: for (;;) {}',
      ],
      ['typescriptreact', 'const { ‹abc› } = <‹Foo1› ‹bar1›={‹abc›}>text</‹Foo1›>;'],
      ['go', 'package ‹main›\nfunc (‹foo› *‹Foo1›) ‹Bar1›(‹abc› ‹int›) { ‹total› := ‹foo›.‹Name› }'],
      ['rust', 'impl ‹Foo1› { fn ‹total›(&self, ‹abc›: u32) -> bool { self.‹name›; true } }'],
      ['java', 'class ‹Foo1› { int ‹total›; ‹Foo1›(boolean ‹abc›) { super(); this.‹total› = null; } }'],
      ['csharp', 'class ‹Foo1› { string ‹total›; void ‹Bar1›() { var ‹abc› = null; } }'],
      ['cpp', 'class ‹Foo1› { int ‹total›; }; auto ‹bar1›() -> bool { return ‹Foo1›::‹abc›(); }'],
      ['php', '<?php function ‹foo›(int ‹$abc›) { return ‹$abc›->‹total›; }'],
      ['ruby', 'class ‹Foo1›\n ‹attr_reader› :‹total›\n def ‹abc›\n @‹total› = nil\n end\nend'],
      ['shellscript', '‹foo›() {\n local ‹name›="‹$total›"\n}\n‹foo› word'],
    ] as const)
      it(`knows the names of ${languageId}`, async () => {
        await grammars.load(languageId);
        const text = drawn.replace(/[‹›]/g, '');
        const marked = [...drawn.matchAll(/‹/g)].map(({ index }, i) => index - 2 * i);
        const words = [...text.matchAll(/[\p{L}_$][\p{L}\d_]{2,}/gu)].map(({ index }) => index);
        assert.deepEqual(namesAt(words, text, languageId, grammars), marked);
      });

    const check = (languageId: string, [old, text]: [string, string], expected: boolean, isLoaded = true) =>
      it(`${languageId}: ${old} -> ${text}`, async () => {
        if (isLoaded) await grammars.load(languageId);
        assert.equal(isOwnName(renameBetween(old, text)!, text, languageId, grammars), expected);
      });
    check('typescript', ['const abc = 1;', 'let abc = 1;'], false);
    check('typescript', ['const abc = true;', 'const abc = false;'], false);
    check('typescript', ['let abc: string;', 'let abc: number;'], false);
    check('typescript', ['let abc: Array<Foo>;', 'let abc: Set<Foo>;'], false);
    check('typescript', ['let abc: Foo;', 'let abc: string;'], false);
    check('typescript', ['let list = 1;', 'let count = 1;'], true);
    check('typescript', ['// the count', '// the total'], false);
    check('python', ['def f(abc: int): pass', 'def f(abc: str): pass'], false);
    check('python', ['def f(self): pass', 'def f(cls): pass'], false);
    check('go', ['package main\nvar abc string', 'package main\nvar abc int64'], false);
    check('klingon', ['const abc', 'let abc'], false, false);
    check('klingon', ['abc = count', 'abc = total'], true, false);
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
