import assert from 'node:assert/strict';
import { cutAbove } from '../../../src/completion/cut-above.ts';
import { silenceAt } from '../../../src/completion/silence.ts';
import { testGrammars } from '../../support/grammars.ts';
import { drawn } from './drawn.ts';

describe('completion/cut-above', () => {
  /** The cut is drawn where it would be, as ✂. */
  const check = (what: string, text: string, languageId: string, expected: string) =>
    it(what, () => {
      const [above = '', below = ''] = text.split('✂');
      assert.equal(cutAbove(above + below, below.length, languageId), expected);
    });

  check('in code it is where it falls', 'a = 1\nb ✂= 2\n', 'python', '= 2\n');
  check('behind a docstring', 'def f():\n    """On✂e.\n    """\n    x(y)\n', 'python', '\n    x(y)\n');
  check('a docstring above it is over', '"""A."""\nf(✂x)\n"""B."""\n', 'python', 'x)\n"""B."""\n');
  check('quotes in a comment are none', '# a """ mark\nf(✂x)\n"""B."""\n', 'python', 'x)\n"""B."""\n');
  check('behind a template', 'const a = `x\n✂y`;\nb();', 'typescript', ';\nb();');
  check('behind a block comment', '/* a\n * ✂b */\nc();', 'java', '\nc();');
  check('behind a line comment', "// don't ✂do it\nc();", 'typescript', '\nc();');
  check('a quote in a pattern opens nothing', 'a = /`/;\nb ✂= `c`;', 'typescript', '= `c`;');
  check('nor does one that an arrow returns', 's => /`/.test(s);\nb ✂= `c`;', 'typescript', '= `c`;');
  check('nor does an apostrophe', "f<'a>(x: &'a T✂) {}\n'b'", 'rust', ") {}\n'b'");
  check('what has no end is as it was', 'x = """a\n✂b\n', 'python', 'b\n');
  check('a backtick that goes on a line', 'a `\n  -b\nc ✂-d `\n  -e\nf\n', 'powershell', '-d `\n  -e\nf\n');
  check('a tag of a variant', 'f `A\ng ✂(h `B)\ni ()\n', 'ocaml', '(h `B)\ni ()\n');
  check('behind a raw string', 'a := `x\\`\nb := `y\n✂z`\nc()\n', 'go', '\nc()\n');
  check('most of the text is no string', 'a = /`/ / `b\nc ✂= d;\ne = f;` g', 'typescript', '= d;\ne = f;` g');
  check('words are no code', 'a ``b` c✂ d` e', 'latex', ' d` e');

  it('takes no longer where there is much space', () => {
    const text = `x = ${' '.repeat(5000)}y;\n`.repeat(34);
    const started = performance.now();
    cutAbove(text, 12_000, 'typescript');
    assert.ok(performance.now() - started < 300);
  });

  describe('in a long file whose cut falls into a docstring', () => {
    const syntax = testGrammars();
    before(() => syntax.load('python'));
    const above = `def f():\n    """Adds.\n\n${'    More of it.\n'.repeat(50)}    """\n    return 1\n\n`;
    const below = Array.from(
      { length: 40 },
      (_, i) => `def f${i}():\n    """Say ${i}."""\n    return ${i}\n`,
    );
    const text = `${above}${below.join('\n')}\n${'print(f1())\n'.repeat(9)}result = `;
    const silence = (before: string, hasTree: boolean) =>
      silenceAt(drawn(`${before}█`, 'python'), hasTree ? syntax : undefined);

    for (const hasTree of [true, false])
      it(`code below it is code, ${hasTree ? 'by the tree' : 'by the marks'}`, () => {
        const chars = text.length - above.length + 100;
        assert.equal(silence(text.slice(-chars), hasTree) === null, false, 'the cut alone makes words of it');
        assert.equal(silence(cutAbove(text, chars, 'python'), hasTree), null);
      });
  });
});
