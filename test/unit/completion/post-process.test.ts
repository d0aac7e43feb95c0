import assert from 'node:assert/strict';
import { decideExtent } from '../../../src/completion/extent.ts';
import { isEnough, place, refine } from '../../../src/completion/post/post-process.ts';
import { drawn } from './drawn.ts';

/** The document after accepting what is left of `written`, with the accepted text between ‹ and ›; null: no suggestion. */
function accept(text: string, written: string, languageId?: string, isCut = false): string | null {
  const cursor = drawn(text, languageId);
  const extent = decideExtent(cursor, { isManual: true, multiline: 'auto' });
  const placed = place(refine(written, cursor, extent, isCut), cursor);
  return placed && `${cursor.before}‹${placed.text}›${cursor.after.slice(placed.replaceAfter)}`;
}

describe('completion/post', () => {
  const check = (name: string, text: string, written: string, expected: string | null, languageId?: string) =>
    it(name, () => assert.equal(accept(text, written, languageId), expected));

  describe('brackets and quotes', () => {
    check('plain', 'const x = █', '5;', 'const x = ‹5;›');
    check('own brackets stay', 'bar(█)', 'foo()', 'bar(‹foo()›)');
    check('a doubled closer goes', 'foo(█)', 'a, b)', 'foo(‹a, b›)');
    check('all of the rest is doubled', 'foo("█");', 'hello");', 'foo("‹hello›");');
    check('nested closers', 'foo(bar(█))', 'a))', 'foo(bar(‹a›))');
    check('only the inner one', 'foo(bar(█))', 'a)', 'foo(bar(‹a›))');
    check('text after the closer replaces it', 'foo(█)', 'a, b);', 'foo(‹a, b);›');
    check(
      'a block after the closer',
      'function foo(█)',
      'a: number): void {',
      'function foo(‹a: number): void {›',
    );
    check('a doubled semicolon goes', 'const x = █;', '5;', 'const x = ‹5›;');
    check('a doubled brace goes', 'if (█) {', 'a > b) {', 'if (‹a > b›) {');
    check('a tag that is closed', '<App █/>', 'a={b} />', '<App ‹a={b} ›/>', 'typescriptreact');
    check('one space between', 'f = ({ ok:█ }) => {', ' boolean }) => { ', 'f = ({ ok:‹ boolean› }) => {');
    check('an apostrophe is no string', 'say(█)', "don't)", "say(‹don't›)");
    check('only closers: nothing left', 'foo(a█)', ')', null);
  });

  describe('below the cursor', () => {
    check(
      'closing line of the document',
      'function f() {\n  █\n}',
      'return 1;\n}',
      'function f() {\n  ‹return 1;›\n}',
    );
    check(
      'a closing line of its own',
      'function f() {\n  █\n}',
      '  if (a) {\n    b();\n  }\n}',
      'function f() {\n  ‹if (a) {\n    b();\n  }›\n}',
    );
    check(
      'repeated next lines',
      'const a = 1;\n█\nconst c = 3;\nconst d = 4;',
      'const b = 2;\nconst c = 3;\nconst d = 4;',
      'const a = 1;\n‹const b = 2;›\nconst c = 3;\nconst d = 4;',
    );
    check('the next line itself', 'const a = 1;\n█\nconst c = 3;', 'const c = 3;', null);
    check('the next line, begun', 'const a = 1;\ncon█\nconst c = 3;', 'st c = 3;', null);
    check('the line above', '  doIt(now);\n  █\n', 'doIt(now);', null);
  });

  describe('scope', () => {
    check(
      'a function ends',
      'function f() {█',
      '\n  return 1;\n}\n\nfunction g() {\n',
      'function f() {‹\n  return 1;\n}›',
    );
    check(
      'else goes on',
      'if (a) {█',
      '\n  b();\n} else {\n  c();\n}\nd();',
      'if (a) {‹\n  b();\n} else {\n  c();\n}›',
    );
    check(
      'a python body ends',
      'def f(x):█',
      '\n    return x\n\nprint(f(1))',
      'def f(x):‹\n    return x›',
      'python',
    );
    check(
      'dedent below a blank line',
      'def f(x):\n    █',
      'y = x\n    return y\n\ndef g():\n    pass',
      'def f(x):\n    ‹y = x\n    return y›',
      'python',
    );
    check('one group of statements', 'a();\n█', 'b();\nc();\n\nd();', 'a();\n‹b();\nc();›');
    check('a head and its body', 'function f(█)', 'a) {\n  b();\n}', 'function f(‹a) {\n  b();\n}›');
    check('a body between fresh braces', 'on(x => {█})', '\n  b();\n});', 'on(x => {‹\n  b();\n});›');
    check(
      'what the document leaves open',
      'f() {\n  a();\n  █\n\ng() {\n}',
      'b();\n}\n\nh();',
      'f() {\n  a();\n  ‹b();\n}›\n\ng() {\n}',
    );
    check(
      'a class goes on',
      'class A {\n  a() {\n    b();\n█',
      '  }\n\n  c() {\n  }',
      'class A {\n  a() {\n    b();\n‹  }\n\n  c() {\n  }›',
    );
    check('single line', 'const x = █', '5;\nconst y = 6;', 'const x = ‹5;›');
  });

  describe('what a model should not have written', () => {
    check('special tokens', 'const x = █', '5<|fim_middle|>6', 'const x = ‹5›');
    check('a fence', 'x\n█', '```ts\nfoo();\n```\nThis calls foo.', 'x\n‹foo();›');
    check(
      'a fence in markdown stays',
      '# a\n█',
      '```ts\nfoo();\n```',
      '# a\n‹```ts\nfoo();\n```›',
      'markdown',
    );
    check('a loop of lines', 'x\n█', 'a = 1\nb = 2\na = 1\nb = 2\na = 1\nb = 2', 'x\n‹a = 1\nb = 2›');
    check('a line twice', 'x\n█', 'DB_NAME: mydb\nDB_NAME: mydb\n', 'x\n‹DB_NAME: mydb›');
    check('a loop in a line', 'x = █', `'${'ab '.repeat(20)}`, null);
    check('blank', 'x = █', '  \n', null);
    check('indentation that is there', 'f {\n    █', '    a();\n    b();', 'f {\n    ‹a();\n    b();›');
    check(
      'spaces in a file of tabs',
      'f {\n\tx();\n\tg {█',
      '\n        a();\n    }',
      'f {\n\tx();\n\tg {‹\n\t\ta();\n\t}›',
    );
    check('carriage returns', 'f {█', '\r\n  a();\r\n}', 'f {‹\n  a();\n}›');
  });

  it('drops half a line at the end of several, keeps it alone', () => {
    assert.equal(accept('f {\n  █', 'a();\n  b(1, ', 'typescript', true), 'f {\n  ‹a();›');
    assert.equal(accept('f {\n  █', 'a(1, ', 'typescript', true), 'f {\n  ‹a(1,›');
  });

  it('knows early that enough is written', () => {
    const enough = (text: string, written: string) => isEnough(written, drawn(text), 'block');
    assert.equal(enough('function f() {█', '\n  return 1;\n'), false);
    assert.equal(enough('function f() {█', '\n  return 1;\n}\n'), false);
    assert.equal(enough('function f() {█', '\n  return 1;\n}\n\nfunc'), true);
    assert.equal(enough('function f() {\n  █\n}', '  return 1;\n}\n'), true);
  });
});
