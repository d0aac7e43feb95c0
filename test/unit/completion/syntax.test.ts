/** What the tree of a document decides. Each rule is tried beside what it does without a grammar, where that differs. */
import assert from 'node:assert/strict';
import { decideExtent, type Extent } from '../../../src/completion/extent.ts';
import { CompletionPipeline } from '../../../src/completion/pipeline.ts';
import { isEnough } from '../../../src/completion/post/post-process.ts';
import { isInProse, type Silence, silenceAt } from '../../../src/completion/silence.ts';
import { Grammars } from '../../../src/completion/syntax/grammars.ts';
import { NO_SYNTAX } from '../../../src/completion/syntax/syntax.ts';
import { readGrammar, testGrammars } from '../../support/grammars.ts';
import { accept } from './accept.ts';
import { answered } from './answered.ts';
import { drawn } from './drawn.ts';

const LANGUAGES = [
  'c',
  'cpp',
  'csharp',
  'go',
  'java',
  'javascript',
  'javascriptreact',
  'php',
  'python',
  'ruby',
  'rust',
  'shellscript',
  'typescript',
  'typescriptreact',
];

describe('completion/syntax', () => {
  const syntax = testGrammars();
  before(async () => {
    for (const language of LANGUAGES) await syntax.load(language);
  });

  describe('grammars', () => {
    for (const language of LANGUAGES)
      it(language, () =>
        assert.equal(
          syntax.read(language, '', root => root.endIndex),
          0,
        ),
      );

    it('are loaded when they are asked for first', async () => {
      const read: string[] = [];
      const grammars = new Grammars(file => {
        read.push(file);
        return readGrammar(file);
      });
      assert.deepEqual(read, []);
      assert.equal(
        grammars.read('python', 'x = 1', root => root.type),
        null,
      );
      await grammars.load('python');
      assert.equal(
        grammars.read('python', 'x = 1', root => root.type),
        'module',
      );
      assert.deepEqual(read, ['web-tree-sitter.wasm', 'tree-sitter-python.wasm']);
    });

    it('there is none for every language', async () => {
      await syntax.load('brainfuck');
      assert.equal(
        syntax.read('brainfuck', '+', root => root.type),
        null,
      );
      assert.equal(
        syntax.read('constructor', '+', root => root.type),
        null,
      );
    });

    it('one that cannot be read is told once, and there are no trees', async () => {
      const failures: string[] = [];
      const grammars = new Grammars(
        () => Promise.reject(new Error('gone')),
        ({ message }) => failures.push(message),
      );
      await grammars.load('go');
      assert.equal(
        grammars.read('go', 'package a', root => root.type),
        null,
      );
      assert.deepEqual(failures, ['gone']);
    });

    it('a text that takes too long has no tree, and the next one has', async () => {
      const hasty = new Grammars(readGrammar, undefined, -1);
      await hasty.load('python');
      assert.equal(
        hasty.read('python', 'x = 1\n'.repeat(20_000), root => root.type),
        null,
      );
      assert.equal(
        hasty.read('python', 'x = 1\n', root => root.endIndex),
        6,
      );
    });
  });

  describe('silence', () => {
    const STORY = 'a long story about it '.repeat(4);
    const check = (
      text: string,
      languageId: string,
      byTree: Silence | null,
      byScanner: Silence | null = byTree,
    ) =>
      it(`${languageId}: ${JSON.stringify(text.replaceAll(STORY, '...'))}`, () => {
        assert.equal(silenceAt(drawn(text, languageId), syntax), byTree);
        assert.equal(silenceAt(drawn(text, languageId), NO_SYNTAX), byScanner);
      });
    check(`f(); // ${STORY}█\ng();`, 'typescript', 'in a long comment', null);
    check(`const re = /["]/; f(a, b, ${'c, '.repeat(30)}█);`, 'typescript', null, 'in a long string');
    check(`const s = \`\n${STORY}\nand █\n\`;`, 'typescript', 'in a long string', null);
    check(`const s = \`\n${STORY} \${a.█}\n\`;`, 'typescript', null);
    check(`const s = '/*'; ${STORY}\nf(█);`, 'javascript', null);
    check(`def f():\n    """${STORY}\n    █\n    """\n`, 'python', 'in a long comment');
    check(`s = f"${STORY} {a█}"\n`, 'python', null);
    check(`x = 1  # ${STORY}█\n`, 'python', 'in a long comment', null);
    check(`x = 1  # don't\ny = f(${'a, '.repeat(30)}█)\n`, 'python', null);
    check(`fn f<'a>(x: &'a str, y: ${'&mut '.repeat(20)}█) {`, 'rust', null);
    check(`/// ${STORY}\n█\nfn f() {}`, 'rust', null);
    check(`/* ${STORY} */█\nint x;`, 'cpp', null);
    check(`String s = "${STORY}█";`, 'java', 'in a long string');
    check(`var s = $"${STORY} {a█}";`, 'csharp', null, 'in a long string');
    check(`s := \`${STORY}\n█\``, 'go', 'in a long string', null);
    // A quote that is still open: the tree can't tell, the scanner can.
    check(`f("${STORY}█\nconst a = 1;`, 'typescript', 'in a long string');

    it('words are words from their first mark on', () => {
      assert.equal(isInProse(drawn('f(); // █\n'), syntax), true);
      assert.equal(isInProse(drawn('f("█");'), syntax), true);
      assert.equal(isInProse(drawn('f("a"█);'), syntax), false);
    });
  });

  describe('extent', () => {
    const check = (text: string, languageId: string, byTree: Extent, byLine: Extent = byTree) =>
      it(`${languageId}: ${JSON.stringify(text)}`, () => {
        const options = { isManual: false, multiline: 'auto' } as const;
        assert.equal(decideExtent(drawn(text, languageId), { ...options, syntax }), byTree);
        assert.equal(decideExtent(drawn(text, languageId), options), byLine);
      });
    check('const x: █\nf();', 'typescript', 'line', 'block');
    check('class A {\n  readonly b: █\n}', 'typescript', 'line', 'block');
    check('const a = {\n  b: █\n};', 'typescript', 'line', 'block');
    check('const a = b\n  ? c\n  : █\nf();', 'typescript', 'line', 'block');
    check('switch (a) {\n  case 1:█\n}', 'typescript', 'block');
    check('const f = () =>█\n', 'typescript', 'block');
    check('const a = {█\n', 'typescript', 'block');
    check('def f(a):█\n', 'python', 'block');
    check('if a:█\n\nb()', 'python', 'block');
    check('x: █\ny = 1', 'python', 'line', 'block');
    check('x = {\n    "a": █\n}', 'python', 'line', 'block');
  });

  describe('the syntax filter', () => {
    const check = (
      name: string,
      text: string,
      written: string,
      byTree: string | null,
      byLine: string | null,
      languageId = 'typescript',
    ) =>
      it(name, () => {
        const cursor = drawn(text, languageId);
        assert.equal(accept(cursor, written, 'always', false, syntax)?.document ?? null, byTree);
        assert.equal(accept(cursor, written, 'always')?.document ?? null, byLine);
      });
    check(
      'an end that the document has already',
      'def f(a):\n    █\n    b = g(b)\n    return b\n',
      'b = a + 1\n    return b * 2',
      'def f(a):\n    ‹b = a + 1›\n    b = g(b)\n    return b\n',
      'def f(a):\n    ‹b = a + 1\n    return b * 2›\n    b = g(b)\n    return b\n',
      'python',
    );
    check(
      'the same in braces',
      'function f(a) {\n  █\n  b = g(b);\n  return b;\n}',
      'let b = a;\n  return b * 2;',
      'function f(a) {\n  ‹let b = a;›\n  b = g(b);\n  return b;\n}',
      'function f(a) {\n  ‹let b = a;\n  return b * 2;›\n  b = g(b);\n  return b;\n}',
    );
    check(
      'all but the end, where another follows',
      'def f(a):\n    █\n    return b\n',
      'b = a + 1\n    b = b * 2\n    return b ** 2',
      'def f(a):\n    ‹b = a + 1\n    b = b * 2›\n    return b\n',
      'def f(a):\n    ‹b = a + 1\n    b = b * 2\n    return b ** 2›\n    return b\n',
      'python',
    );
    check(
      'nothing is left of an end alone',
      'function f(a) {\n  █\n  return a;\n}',
      'return a + 1;',
      null,
      'function f(a) {\n  ‹return a + 1;›\n  return a;\n}',
    );
    check(
      'in Rust',
      'fn f(a: u8) -> u8 {\n    █\n    g(a)\n}',
      'return a + 1;',
      null,
      'fn f(a: u8) -> u8 {\n    ‹return a + 1;›\n    g(a)\n}',
      'rust',
    );
    const stays = (name: string, text: string, written: string, languageId?: string) =>
      check(
        name,
        text,
        written,
        text.replace('█', `‹${written}›`),
        text.replace('█', `‹${written}›`),
        languageId,
      );
    stays('an end in a block of its own', 'function f(a) {\n  █\n  return b;\n}', 'if (!a) return null;');
    stays('an end at the end', 'function f(a) {\n  █\n}\n\nf();', 'return a;');
    stays('an end of a block whose beginning is not known', '  a = 1;\n  █\n}\n\nconst x = 1;', 'return a;');
    stays('an end before the next case', 'switch (a) {\n  case 1:\n    █\n  case 2:\n}', 'return b;');
    stays('a function after the end', 'function f() {\n  █\n  function g() {}\n}', 'return g();');
    stays(
      'an end before else',
      'def f(a):\n    if a:\n        █\n    else:\n        g()\n',
      'return 1',
      'python',
    );
    stays('what the document closes', 'f(█\n);', 'a, b');
    stays('what it was broken by before', 'const a = ;\nconst b = █', 'a + 1;');
    stays('a head that is still to get its body', 'f();\n█\ng();', 'if (a) {');
    check(
      'a line that goes astray',
      'def f(a):\n    if a:\n        █\n    elif b:\n        g()\n',
      'a = 1\n    return a',
      'def f(a):\n    if a:\n        ‹a = 1›\n    elif b:\n        g()\n',
      'def f(a):\n    if a:\n        ‹a = 1›\n    elif b:\n        g()\n',
      'python',
    );
  });

  it('nothing is written any more once the block has been left', () => {
    const cursor = drawn('function f(a) {\n  █\n  return a;\n}');
    const enough = (written: string) => isEnough(written, { cursor, extent: 'block', isCut: true, syntax });
    assert.equal(enough('  a = 1;\n'), false);
    assert.equal(enough('  a = 1;\n  return a;'), false);
    assert.equal(enough('  a = 1;\n  return 2 * a;\n'), true);
  });

  it('the pipeline asks the tree', async () => {
    const suggest = (by: typeof NO_SYNTAX) =>
      new CompletionPipeline(async () => answered('return a + 1;'), undefined, by).suggest(
        drawn('function f(a) {\n  █\n  return a;\n}'),
        { isManual: false, multiline: 'auto', delayMs: 0, signal: new AbortController().signal },
      );
    assert.equal((await suggest(NO_SYNTAX))?.text, 'return a + 1;');
    assert.equal(await suggest(syntax), null);
  });
});
