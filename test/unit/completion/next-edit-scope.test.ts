import assert from 'node:assert/strict';
import type { Rename } from '../../../src/completion/next-edit.ts';
import { meantBy } from '../../../src/completion/next-edit-scope.ts';
import { testGrammars } from '../../support/grammars.ts';

describe('completion/next-edit-scope', () => {
  const grammars = testGrammars();

  /** `«sum_of»` was `total`; `‹total›` mean the same, the others do not. */
  const check = (languageId: string, what: string, drawn: string, isLocal = true) =>
    it(`${languageId}: ${what}`, async () => {
      await grammars.load(languageId);
      const text = drawn.replace(/[‹›«»]/g, '');
      const offsetOf = (index: number) => drawn.slice(0, index).replace(/[‹›«»]/g, '').length;
      const to = /«(.*)»/.exec(drawn)![1]!;
      const rename: Rename = {
        from: to.replace('sum_of', 'total'),
        to,
        offset: offsetOf(drawn.indexOf('«')),
      };
      const offsets = [...drawn.matchAll(/‹/g)].map(({ index }) => offsetOf(index));
      const meant = meantBy(rename, text, languageId, grammars)!;
      assert.deepEqual([meant.offsets, meant.isLocal], [offsets, isLocal]);
    });

  check(
    'typescript',
    'a variable ends with its function',
    'function a() { const «sum_of» = 1; return ‹total› + this.total; }\nfunction b() { let total = 2; return total; }\ntotal();',
  );
  check(
    'typescript',
    'a parameter is meant in the functions inside, but for those with their own',
    'const a = («sum_of»: number) => xs.map(x => x + ‹total›).map(total => total).map(() => { const { k: total } = x; return total; });\ntotal;',
  );
  check(
    'typescript',
    'a use may have been changed in place of the declaration',
    'function a() { const ‹total› = 1; return «sum_of»; }\nfunction b(total) { return total; }',
  );
  check(
    'typescript',
    'a name of the file is meant where no function has its own',
    'let «sum_of» = 0;\nfunction a(x = ‹total›) { return ‹total›; }\nfunction b([total]) { return total; }\nfunction c() { for (const total of xs) total; }\nexport { ‹total› };',
    false,
  );
  check(
    'typescript',
    'a member is no variable, and a parameter may be both',
    'class A { constructor(private «sum_of»: number) {} get() { return this.‹total›; } set(total) { this.‹total› = total; } }',
    false,
  );
  check(
    'typescript',
    'the name of a function is of what is around it',
    'function a() { function «sum_of»() { return ‹total›; } ‹total›(); }\nfunction total() {}',
  );
  check('javascript', 'caught', 'function a() { try {} catch («sum_of») { ‹total›; } }\ntotal;');
  check(
    'typescriptreact',
    'in a component',
    'function A({ «sum_of» }) { return <B total={‹total›} />; }\nfunction C({ total }) { return total; }',
  );
  check(
    'python',
    'a variable ends with its function',
    'def a(x):\n    «sum_of» = x\n    return [‹total› for x in y]\n\ndef b():\n    total = 2\n    return total\n\nprint(total)\n',
  );
  check(
    'python',
    'a parameter is named by calls of its function',
    'def a(«sum_of»: int = 1):\n    return ‹total›\n\na(‹total›=total)\nx.a(‹total›=2)\nb(total=3)\n\ndef b(total): pass\n',
  );
  check(
    'python',
    'a name of the file is meant where a function says so, or has none of its own',
    '«sum_of» = 0\ndef a():\n    global ‹total›\n    ‹total› = 1\ndef b(x):\n    return ‹total›\ndef c(x, *total):\n    return total\ndef d():\n    with x as total:\n        total\ndef e():\n    for i, total in x:\n        total\n',
    false,
  );
  check(
    'python',
    'a lambda has its parameter',
    'def a(«sum_of»):\n    return sorted(‹total›, key=lambda total: total)\n',
  );
  check(
    'go',
    'a variable ends with its function',
    'package m\nfunc a() int { «sum_of», err := f(); for ‹total› { }; return ‹total› }\nfunc b(total int) int { return total }\nfunc c() { for _, total := range x { total } }\nfunc d() { var total int; f(total) }\nvar total = 1',
  );
  check(
    'rust',
    'a variable ends with its function, a struct does not',
    'fn a(«sum_of»: u32) -> u32 { let x = ‹total›; |y| ‹total› }\nfn b() { let mut total = 1; total; }\nfn c() { if let Some(total) = x { total } }',
  );
  check(
    'java',
    'a parameter ends with its method',
    'class A { int a(int «sum_of») { return ‹total› + this.total; } int b() { for (int total : x) f(total); int total = 1; return total; } int total; }',
  );
  check(
    'csharp',
    'what a type is called is no name of a parameter',
    'class «sum_of» { void A(‹total› x) { ‹total› y = x; foreach (‹total› z in x) {} } void B(int total) { F(total); } }',
    false,
  );
  check(
    'cpp',
    'a variable ends with its function',
    'int a() { int «sum_of» = 1; auto f = [&](int x) { return ‹total›; }; return ‹total›; }\nint b(int total) { return total; }\nint c() { Cart total; return total.size(); }\nint total;',
  );
  check(
    'php',
    'what is named in a function is its own',
    '<?php function a() { «$sum_of» = 1; f(fn($x) => ‹$total›, function () use (‹$total›) { ‹$total›; }); }\nfunction b() { $total = 1; }',
  );
  check(
    'ruby',
    'a variable ends with its method',
    'def a\n «sum_of» = 1\n f { |x| ‹total› }\nend\ndef b(total)\n total\nend',
  );

  it('tells nothing where there is no grammar', () => {
    assert.equal(meantBy({ from: 'total', to: 'sum', offset: 0 }, 'sum total', 'klingon', grammars), null);
  });

  it('only a parameter, where the language has such calls, may be named by a call elsewhere', async () => {
    const isKeyword = async (languageId: string, text: string) => {
      await grammars.load(languageId);
      const rename: Rename = { from: 'total', to: 'sum_of', offset: text.indexOf('sum_of') };
      return meantBy(rename, text, languageId, grammars)!.isKeyword;
    };
    assert.equal(await isKeyword('python', 'def f(a, sum_of: int = 1):\n    return total\n'), true);
    assert.equal(await isKeyword('python', 'def f(total):\n    return sum_of\n'), true);
    assert.equal(await isKeyword('python', 'def f(a):\n    sum_of = a\n    return total\n'), false);
    assert.equal(await isKeyword('python', 'sum_of = 1\n'), false);
    assert.equal(await isKeyword('csharp', 'class A { int F(int sum_of) { return total; } }'), true);
    assert.equal(await isKeyword('csharp', 'class A { int F() { int sum_of = 1; return total; } }'), false);
    assert.equal(await isKeyword('ruby', 'def f(sum_of:)\n  total\nend\n'), true);
    assert.equal(await isKeyword('typescript', 'function f(sum_of) { return total; }'), false);
  });
});
