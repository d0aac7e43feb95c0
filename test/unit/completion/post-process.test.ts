import assert from 'node:assert/strict';
import type { MultilineSetting } from '../../../src/completion/extent.ts';
import { isEnough } from '../../../src/completion/post/post-process.ts';
import { accept } from './accept.ts';
import { drawn } from './drawn.ts';

describe('completion/post', () => {
  const checkAs =
    (multiline: MultilineSetting) =>
    (name: string, text: string, written: string, expected: string | null, languageId?: string) =>
      it(name, () =>
        assert.equal(accept(drawn(text, languageId), written, multiline)?.document ?? null, expected),
      );
  const check = checkAs('auto');
  /** Where one line would be asked for: several are written all the same, and the filters decide. */
  const checkBlock = checkAs('always');

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
    for (const prefix of ['f', 'R', 'b', 'rb', 'Fr']) {
      check(
        `a doubled quote of ${prefix}'...'`,
        `print(${prefix}'█')`,
        "Hello {name}')",
        `print(${prefix}'‹Hello {name}›')`,
        'python',
      );
    }
    check('a string with a prefix, written whole', 'print(█)', "f'a) {b}')", "print(‹f'a) {b}'›)", 'python');
    check('letters of a string in a word', 'say(█)', "if of's)", "say(‹if of's›)");
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
    check(
      'the rest of the line',
      'return [█ for x in xs]\n',
      'f(x) for x in xs]\n\nprint(1)',
      'return [‹f(x)› for x in xs]\n',
      'python',
    );
    check(
      'the rest of the line, laid out in another way',
      'bag.add("a");\n█;     // Add "b" once\n',
      'bag.add("b");  // Add "b" once\n\n// Print',
      'bag.add("a");\n‹bag.add("b")›;     // Add "b" once\n',
    );
    check('only the rest of the line', 'f(a, █other);', 'other);', null);
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
    checkBlock(
      'what it opened itself, badly indented',
      'nav {\n  .logo {\n    .brand█\n  }\n}',
      ' {\n  color: red;\n}\n.next {',
      'nav {\n  .logo {\n    .brand‹ {\n  color: red;\n}›\n  }\n}',
      'scss',
    );
    checkBlock(
      'a brace that the document lacks, whatever follows',
      'class A {\n    f() {\n      a();█\n\n    g() {\n    }\n}',
      '\n  }',
      'class A {\n    f() {\n      a();‹\n  }›\n\n    g() {\n    }\n}',
    );
    checkBlock(
      'a brace that the document has',
      'class A {\n    f() {\n      a();█\n    }\n    g() {\n    }\n}',
      '\n      b();\n  }',
      'class A {\n    f() {\n      a();‹\n      b();›\n    }\n    g() {\n    }\n}',
    );
    checkBlock(
      'a comment ends with its line',
      'f {\n  // returns t█\n}',
      'rue\n  return true;',
      'f {\n  // returns t‹rue›\n}',
    );
    checkBlock(
      'a comment of two lines',
      '# a█\n',
      ' list\n# of names\nb = 1',
      '# a‹ list\n# of names›\n',
      'python',
    );
    check('a block that is never closed', 'f([\n  █\n]);', 'a();\n  g({\n    b,', 'f([\n  ‹a();›\n]);');
    checkBlock(
      'a block that the document closes',
      'if (a█\n} else {\n}',
      ') {\n  b();',
      'if (a‹) {\n  b();›\n} else {\n}',
    );
    check('a name is not a statement', 'class A:\n    def divid█\n', 'self.x /= 1\n', null, 'python');
    check(
      'a head is one',
      'class A:\n    def divid█\n',
      'e(self, x):\n',
      'class A:\n    def divid‹e(self, x):›\n',
      'python',
    );
    checkBlock(
      'a comment and what it announces',
      '// adds█',
      '\nfunction add(a, b) {\n}',
      '// adds‹\nfunction add(a, b) {\n}›',
    );
    check(
      'a head with a dot',
      'class A\n  def self█\nend',
      '.create(name)',
      'class A\n  def self‹.create(name)›\nend',
      'ruby',
    );
    check('an assignment is no head', 'class A:\n    def divid█\n', 'self.x = 1\n', null, 'python');
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
    check(
      'spaces in a file of tabs, from the first line on',
      'f {\n\tx();\n█\n\ty();\n}',
      '    g {\n        a();\n    }',
      'f {\n\tx();\n‹\tg {\n\t\ta();\n\t}›\n\ty();\n}',
    );
    check(
      'tabs in a file of spaces, from the first line on',
      'f {\n  x();\n█\n  y();\n}',
      '\ta();',
      'f {\n  x();\n‹  a();›\n  y();\n}',
    );
    check('a talkative model', 'x\n█', 'Here is the code:\n```ts\nfoo();\n```', 'x\n‹foo();›');
    check('a lead-in without a fence', 'x\n█', 'Sure, this should work:\nfoo();', 'x\n‹foo();›');
    check('a lead-in is prose in prose', '# a\n█', 'Here is how:', '# a\n‹Here is how:›', 'markdown');
    check(
      'a sentence in a docstring',
      'def f():\n    """\n    █\n    """\n',
      'This function returns the sum.',
      'def f():\n    """\n    ‹This function returns the sum.›\n    """\n',
      'python',
    );
    check('a sentence between tags', '<p>\n█\n</p>', 'You can go.', '<p>\n‹You can go.›\n</p>', 'html');
    check('a sentence in LaTeX', '\\begin{a}\n█', 'Here is how:', '\\begin{a}\n‹Here is how:›', 'latex');
    check('a tag for what is struck out', '<p>█</p>', '<s>a</s> b', '<p>‹<s>a</s> b›</p>', 'html');
    check('a mark behind a tag', '<p>█</p>', '<s>a</s> b<|eot|>c', '<p>‹<s>a</s> b›</p>', 'typescriptreact');
    check('the mark that looks like one', 'x = █', '5</s>6', 'x = ‹5›');
    check('a fence in a notebook', '# a\n█', '```{r}\nfoo()\n```', '# a\n‹```{r}\nfoo()\n```›', 'rmd');
    check('blanks that break a line of MDX', '# a\n█', 'b  \nc', '# a\n‹b  \nc›', 'mdx');
    check('the name of the file', 'x\n█', '// Path: src/a.ts\nfoo();', 'x\n‹foo();›');
    check('an end that says so', 'x\n█', 'foo();\n# End of file.\nbar();', 'x\n‹foo();›', 'python');
    check('tags of code', 'x\n█', '[CODE]\nfoo();\n[/CODE]\nDone.', 'x\n‹foo();›');
    check('a tag in a string', 'x = █', 'a("b [/CODE] c");', 'x = ‹a("b [/CODE] c");›');
    checkBlock(
      'two fences in a template',
      'x = `█',
      'a\n```sh\nls\n```\nb`;',
      'x = `‹a\n```sh\nls\n```\nb`;›',
    );
    check('two blanks where they meet', 'return █', ' this;', 'return ‹this;›');
    check('blanks at line ends', 'f {█', '\n  a();  \n\t\n  b();\n}', 'f {‹\n  a();\n\n  b();\n}›');
    check('blanks that break a line of prose', '# a\n█', 'b  \nc', '# a\n‹b  \nc›', 'markdown');
    check('carriage returns', 'f {█', '\r\n  a();\r\n}', 'f {‹\n  a();\n}›');
  });

  it('drops half a line at the end of several, keeps it alone', () => {
    const cut = (written: string) => accept(drawn('f {\n  █'), written, 'auto', true)?.document;
    assert.equal(cut('a();\n  b(1, '), 'f {\n  ‹a();›');
    assert.equal(cut('a(1, '), 'f {\n  ‹a(1,›');
  });

  it('knows early that enough is written', () => {
    const enough = (text: string, written: string) =>
      isEnough(written, { cursor: drawn(text), extent: 'block', isCut: true });
    assert.equal(enough('function f() {█', '\n  return 1;\n'), false);
    assert.equal(enough('function f() {█', '\n  return 1;\n}\n'), false);
    assert.equal(enough('function f() {█', '\n  return 1;\n}\n\nfunc'), true);
    assert.equal(enough('function f() {\n  █\n}', '  return 1;\n}\n'), true);
    assert.equal(enough('const a = [█, ...others];', 'first, ...others];\n'), true);
  });
});
