/** Renaming without the model: what a task asks for, and which places belong to a name. */
import assert from 'node:assert/strict';
import type { AgentOptions } from '../../../../src/agent/agent.ts';
import { placesOf } from '../../../../src/agent/guided/code-places.ts';
import { renamed, renameOf } from '../../../../src/agent/guided/rename.ts';
import { memoryPorts } from '../../../support/memory-ports.ts';

describe('guided: a task that is a renaming', () => {
  const check = (task: string, expected: ReturnType<typeof renameOf>) =>
    it(JSON.stringify(task), () => assert.deepEqual(renameOf(task), expected));
  const words = { name: 'words', newName: 'split_words', file: null };
  check('Rename `words` to `split_words`.', words);
  check('rename words to split_words', words);
  check('Please rename the function words() to split_words() everywhere.', words);
  check('Rename the function `words` in words.py to `split_words`, also where it is used.', {
    ...words,
    file: 'words.py',
  });
  check(
    'Can you rename the helper function `words` to split_words in src/words.py and update all its callers and tests?',
    null,
  );
  check('Rename the helper `words` to split_words in src/words.py and update all its callers and tests.', {
    ...words,
    file: 'src/words.py',
  });
  check('Rename `words` to `split_words` and make it async.', null);
  check('Rename the file words.py to text.py', null);
  check('Rename the variable', null);
  check('Fix `words`', null);
});

describe('guided: places of a name', () => {
  const check = (what: string, text: string, path: string) =>
    it(what, () => {
      const marked = [...text.matchAll(/«/g)].map((match, n) => match.index - n * 2);
      assert.deepEqual(placesOf('n', text.replace(/[«»]/g, ''), path), marked);
    });
  check('not in strings and comments', `«n» = "n" + 'n' // n\n/* n */ «n»`, 'a.js');
  check('in what a template is made with', `\`n \${«n» + 1} n\` + «n»`, 'a.ts');
  check('not in a regular expression, nor thrown off by its quotes', `x = /n'"/.test(«n») + 'n'`, 'a.js');
  check('after a division', `a = b / «n» / c; '/n'`, 'a.js');
  check('not as a part of a name', 'nn n1 $n «n»', 'a.js');
  check('Python: comments, both quotes, three of them', `«n» # n\n"""n\nn""" + r'n' + «n»`, 'a.py');
  check('Python: in the braces of a formatted string', `f"n {«n»} {{n}}" + «n»`, 'a.py');
  check('Rust: lifetimes open no string', `fn f<'a>(x: &'a str, c: char) { «n»('n', "n") }`, 'a.rs');
});

describe('guided: renaming by the text', () => {
  async function rename(files: Record<string, string>, task: string, openFile: string | null = null) {
    const ports = memoryPorts(new Map(Object.entries(files)), {});
    const options = {
      ports,
      signal: new AbortController().signal,
      context: { openFile: openFile === null ? null : { path: openFile }, attachments: [] },
    } as unknown as AgentOptions;
    const texts = await renamed(renameOf(task)!, options, Object.keys(files), async path => files[path]!);
    return texts && Object.fromEntries(texts);
  }

  const WORDS = `__all__ = ["words", "longest"]\n\ndef words(text):\n    """The words of a text."""\n    return text.lower().split()\n\n\ndef longest(text):\n    return max(words(text), key=len)  # of all words\n`;
  const PYTHON = 'Rename the function `words` to `split_words`.';

  it('follows a name of Python through imports; prose, members and strangers stay', async () => {
    const files = {
      'words.py': WORDS,
      'app.py': 'from words import longest, words\n\nprint(words("words"), self.words)\n',
      'lib.py': 'import words as w\n\nprint(w.words("a"))\n',
      'deep/use.py': 'from .. import words\n\nprint(words.words("a"))\n',
      'other.py': 'def count(words):\n    return len(words)\n',
    };
    assert.deepEqual(await rename(files, PYTHON), {
      'words.py': WORDS.replace('def words', 'def split_words')
        .replace('max(words', 'max(split_words')
        .replace('"words"', '"split_words"'),
      'app.py': 'from words import longest, split_words\n\nprint(split_words("words"), self.words)\n',
      'lib.py': 'import words as w\n\nprint(w.split_words("a"))\n',
      'deep/use.py': 'from .. import words\n\nprint(words.split_words("a"))\n',
    });
  });

  const MATH = 'export function add(a, b) {\n  return a + b;\n}\n';
  const SCRIPT = 'Rename `add` to `sum`.';

  it('follows a name of JavaScript through imports, also under another name', async () => {
    const files = {
      'src/math.js': MATH,
      'src/app.js': "import { add, sub } from './math.js';\n\nset.add(add(1, 2), 'add');\n",
      'src/as.js': "import { add as plus } from './math.js';\n\nplus(add);\n",
      'test/math.test.js': "import * as math from '../src/math.js';\n\nmath.add(1, other.add(2));\n",
      'src/own.js': 'const add = (a, b) => a - b;\nadd(1, 2);\n',
    };
    assert.equal(await rename(files, SCRIPT), null, 'two definitions');
    assert.deepEqual(await rename(files, 'Rename add in math.js to sum'), {
      'src/math.js': MATH.replace('add', 'sum'),
      'src/app.js': "import { sum, sub } from './math.js';\n\nset.add(sum(1, 2), 'add');\n",
      'src/as.js': "import { sum as plus } from './math.js';\n\nplus(add);\n",
      'test/math.test.js': "import * as math from '../src/math.js';\n\nmath.sum(1, other.add(2));\n",
    });
    assert.deepEqual(
      Object.keys((await rename(files, SCRIPT, 'src/math.js'))!).length,
      4,
      'the open one is meant',
    );
  });

  it('follows exports and requires', async () => {
    const files = {
      'math.js': 'function add(a, b) {\n  return a + b;\n}\nmodule.exports = { add };\n',
      'app.js': "const math = require('./math');\nmath.add(1);\n",
      'one.js': "const { add } = require('./math');\nadd(1);\n",
    };
    const texts = await rename(files, SCRIPT);
    assert.equal(texts?.['math.js'], files['math.js'].replaceAll('add', 'sum'));
    assert.equal(texts?.['app.js'], files['app.js'].replace('add', 'sum'));
    assert.equal(texts?.['one.js'], files['one.js'].replaceAll('add', 'sum'));
  });

  const isUnclear = (what: string, files: Record<string, string>, task = SCRIPT) =>
    it(`leaves it to the model: ${what}`, async () => assert.equal(await rename(files, task), null));
  isUnclear('nothing has the name', { 'a.js': 'x();\n' });
  isUnclear('a parameter has it too', { 'a.js': `${MATH}const f = (x, add) => add(x);\n` });
  isUnclear(
    'a parameter of Python has it too',
    { 'words.py': `${WORDS}def f(words):\n    return words\n` },
    PYTHON,
  );
  isUnclear('a variable has it too', {
    'a.js': `${MATH}function f() {\n  const add = 1;\n  return add;\n}\n`,
  });
  isUnclear('it is a property of an object', { 'a.js': `${MATH}const all = { add, x };\n` });
  isUnclear('the new name is taken', { 'a.js': `${MATH}const sum = 1;\n` });
  isUnclear('it is exported again', {
    'a.js': MATH,
    'index.js': "export { add } from './a.js';\n",
  });
});
