import assert from 'node:assert/strict';
import fc from 'fast-check';
import { editSet } from '../../../../src/agent/edits/edit-set.ts';
import { applyReplacements } from '../../../../src/agent/edits/lines.ts';
import { arrayHunks, type SearchReplace, searchReplace } from '../../../../src/agent/edits/search-replace.ts';

/** The file, the edit, and the file after it. */
const check = (what: string, file: string, oldText: string, newText: string, expected: string) =>
  it(what, () => {
    const result = searchReplace(file, { oldText, newText });
    assert.ok(result.ok, result.ok ? '' : result.message);
    assert.equal(applyReplacements(file, result.replacements), expected);
  });
const refuse = (what: string, file: string, edit: SearchReplace, reason: string, message: RegExp) =>
  it(what, () => {
    const result = searchReplace(file, edit);
    assert.ok(!result.ok);
    assert.equal(result.reason, reason);
    assert.match(result.message, message);
  });

describe('edits: line ends and white space', () => {
  check('the line ends of the file', 'a\r\nb\r\nc\r\n', 'a\nb', 'a\nx\ny', 'a\r\nx\r\ny\r\nc\r\n');
  check('also of a file with old Mac ones', 'a\rb\rc', 'b\nc', 'x\ny', 'a\rx\ry');
  check(
    'each line its own, where they are mixed',
    'a\r\nb\nc\r\nd\n',
    'b\nc',
    'b\nX\nY',
    'a\r\nb\nX\r\nY\r\nd\n',
  );
  check('a lone carriage return is a character', 'a\rb\nlast\n', 'last', 'x', 'a\rb\nx\n');
  check('an edit written with CRLF', 'a\nb\n', 'a\r\nb', 'x\r\ny', 'x\ny\n');
  check('no line end at the end stays none', 'a\nb', 'b\n', 'c\n', 'a\nc');
  check('the only line removed, tolerant', 'a  \nb', 'a\nb\n', 'a\n', 'a  ');
  check('trailing space of lines that do not change', 'a  \nb\t\nc\n', 'a\nb\nc', 'a\nX\nc', 'a  \nX\nc\n');
  check('blank lines around what was written', 'a\nb\nc\n', '\nb\n\n', '\nX\n\n', 'a\nX\nc\n');
  check('an empty file', '', '\n', 'new\n', 'new\n');
});

describe('edits: another indentation', () => {
  const file = 'class A {\n    f() {\n        return 1;\n    }\n}\n';
  check(
    'none written',
    file,
    'f() {\n    return 1;\n}',
    'f() {\n    if (x) {\n        return 2;\n    }\n}',
    'class A {\n    f() {\n        if (x) {\n            return 2;\n        }\n    }\n}\n',
  );
  check(
    'too much written',
    file,
    '        f() {\n            return 1;',
    '        f() {\n            return 2;',
    file.replace('1', '2'),
  );
  check(
    'another unit',
    '\tdef f():\n\t\tpass\n',
    'def f():\n    pass',
    'def f():\n    if x:\n        pass',
    '\tdef f():\n\t\tif x:\n\t\t\tpass\n',
  );
  check(
    'a line added after the last',
    file,
    'f() {\n  return 1;\n}',
    'f() {\n  return 1;\n}\ng() {}',
    file.replace('    }\n', '    }\n    g() {}\n'),
  );
  refuse(
    'two places',
    '  a\n    a\n',
    { oldText: '\ta\n', newText: 'b' },
    'many-matches',
    /occurs 2 times \(lines 1, 2\)/,
  );
  refuse(
    'one that can not be carried over',
    'x:\n\ta\n  b\n',
    { oldText: '  a\n  b', newText: '  c\n  d\n  e' },
    'no-match',
    /indentation, which is not uniform/,
  );
});

describe('edits: numbers copied from a listing', () => {
  const file = 'one\ntwo\n  three\nfour\n';
  check('12 | text', file, ' 2 | two\n 3 |   three', ' 2 | TWO\n 3 |   three', 'one\nTWO\n  three\nfour\n');
  check('12: text, the new text without', file, '2: two\n3:   three', 'two\n  3', 'one\ntwo\n  3\nfour\n');
  check('12<tab>text', file, '2\ttwo', '2\tTWO', 'one\nTWO\n  three\nfour\n');
  refuse(
    'numbers that do not count up',
    file,
    { oldText: '2: two\n9: three', newText: 'x' },
    'no-match',
    /./,
  );
  check('numbers that are in the file', '1: a\n2: b\n', '1: a', '1: c', '1: c\n2: b\n');
});

describe('edits: all but the same', () => {
  const file = 'const message = "Hello, World!";\nconsole.log(message);\nmore();\n';
  check(
    'a typo',
    file,
    'const mesage = "Hello, World!";\nconsole.log(message);',
    'const m = 1;\nconsole.log(message);',
    file.replace('const message = "Hello, World!"', 'const m = 1'),
  );
  const twice = `${'const value = readTheThing(1);\n'}${'const value = readTheThing(2);\n'}`;
  refuse(
    'two that are about as good',
    twice,
    { oldText: 'const value = readTheThing(3);', newText: 'x' },
    'no-match',
    /First line that differs/,
  );
  refuse(
    'names that differ in case',
    'function getUserNameFromTheDatabase() {}\n',
    { oldText: 'function getUsernameFromTheDatabase() {}', newText: 'x' },
    'no-match',
    /./,
  );
  refuse(
    'one line of another kind among long ones',
    `${'x'.repeat(200)}\na\n${'y'.repeat(200)}\n`,
    { oldText: `${'x'.repeat(200)}\nb\n${'y'.repeat(200)}`, newText: 'z' },
    'no-match',
    /First line that differs: "b", the file has "a"/,
  );
});

describe('edits: two texts with little in common', () => {
  it('differ as a whole, between the lines that they begin and end with', () => {
    const from = ['first', ...Array.from({ length: 3000 }, (_, line) => `a${line}`), 'last'];
    const to = ['first', ...Array.from({ length: 3000 }, (_, line) => `b${line}`), 'last'];
    assert.deepEqual(arrayHunks(from, to), [{ start: 1, end: 3001, lines: to.slice(1, -1) }]);
  });
});

describe('edits: literal text', () => {
  check('dollar signs and backslashes', 'PRICE\n', 'PRICE', '$1 $& $` $$ \\n \\1', '$1 $& $` $$ \\n \\1\n');
  check('characters of regular expressions', 'a.*b(c)\n', '.*b(', '[', 'a[c)\n');
  check('astral characters stay whole', 'x = "😀"\n', '"😀"', '"😁"', 'x = "😁"\n');
  check(
    'conflict markers',
    '<<<<<<< a\nx\n=======\ny\n>>>>>>> b\n',
    '=======\ny\n>>>>>>> b\n',
    '',
    '<<<<<<< a\nx\n',
  );

  it('replaces only what changed', () => {
    const file = 'keep 1\nold 2\nkeep 3\nold 4\nkeep 5\n';
    const result = searchReplace(file, { oldText: file, newText: file.replaceAll('old', 'new') });
    assert.ok(result.ok);
    assert.deepEqual(result.replacements, [
      { start: 7, end: 10, text: 'new' },
      { start: 20, end: 23, text: 'new' },
    ]);
  });
});

describe('edits: every occurrence', () => {
  it('is replaced when asked for', () => {
    const result = searchReplace('a b a\r\na', { oldText: 'a', newText: 'x\ny', replaceAll: true });
    assert.ok(result.ok);
    assert.equal(applyReplacements('a b a\r\na', result.replacements), 'x\r\ny b x\r\ny\r\nx\r\ny');
  });
  refuse(
    'but not those that overlap',
    'aaa',
    { oldText: 'aa', newText: 'b', replaceAll: true },
    'many-matches',
    /2 times/,
  );
  refuse('without asking for it', 'aaa', { oldText: 'aa', newText: 'b' }, 'many-matches', /lines 1, 1/);
});

describe('edits: what the model is told', () => {
  const file = `${Array.from({ length: 50 }, (_, line) => `line ${line} of the file`).join('\n')}\n`;
  it('the nearest lines, at most 20, and the first that differs', () => {
    const oldText = 'line 10 of the file\nline 11 of the house\nline 12 of the file';
    const result = searchReplace(file, { oldText, newText: 'x' });
    assert.ok(!result.ok);
    assert.match(result.message, /0 matches/);
    assert.match(
      result.message,
      /First line that differs: "line 11 of the house", the file has "line 11 of the file"/,
    );
    assert.match(result.message, /\n11: line 10 of the file\n12: line 11/);
    const long = searchReplace(file, { oldText: `${file.slice(0, 800)}x`, newText: 'x' });
    assert.ok(!long.ok && long.message.split('\n').length <= 21);
  });
  refuse(
    'that the edit is made already',
    'const answer = 42;\n',
    { oldText: 'const answer = 1;', newText: 'const answer = 42;' },
    'no-match',
    /made already/,
  );
  it('not a line of 100,000 characters', () => {
    const result = searchReplace(`${'x'.repeat(100_000)}\nb\n`, {
      oldText: `${'x'.repeat(100_000)}\nc`,
      newText: 'd',
    });
    assert.ok(!result.ok && result.message.length < 2000);
  });
  refuse('nothing like it', file, { oldText: 'zzz', newText: 'x' }, 'no-match', /nor anything like it/);
  refuse('no change', file, { oldText: 'line 1 ', newText: 'line 1 ' }, 'no-change', /same/);
  refuse('an empty search', file, { oldText: '', newText: 'x' }, 'empty', /empty/);
});

describe('edits: several of one file', () => {
  const file = 'a\nb\nc\nd\n';
  const set = (...edits: [string, string][]) =>
    editSet(
      file,
      edits.map(([oldText, newText]) => ({ oldText, newText })),
    );

  it('are placed on the file as it is, in any order', () => {
    const result = set(['d', 'D'], ['a', 'b'], ['b', 'B']);
    assert.ok(result.ok);
    assert.equal(applyReplacements(file, result.replacements), 'b\nB\nc\nD\n');
  });
  it('may share lines that none of them changes', () => {
    const result = set(['a\nb', 'A\nb'], ['b\nc', 'b\nC']);
    assert.ok(result.ok);
    assert.equal(applyReplacements(file, result.replacements), 'A\nb\nC\nd\n');
  });
  it('are refused as a whole', () => {
    const missing = set(['a', 'A'], ['x', 'X']);
    assert.ok(!missing.ok);
    assert.deepEqual([missing.index, missing.reason], [1, 'no-match']);
    assert.match(missing.message, /^Edit 2 of 2: .* None of the edits was made\.$/s);
    const overlap = set(['b', 'X'], ['b\nc', 'Y\nc']);
    assert.ok(!overlap.ok);
    assert.equal(overlap.reason, 'overlap');
    assert.match(overlap.message, /Edits 1 and 2 change the same text/);
    assert.ok(!editSet(file, []).ok);
  });
});

describe('edits: whatever the file', () => {
  const line = fc.constantFrom('a', 'bb', '  c', '\td', '', 'e f');
  const eol = fc.constantFrom('\n', '\r\n');
  const text = fc
    .array(fc.tuple(line, eol), { minLength: 1, maxLength: 12 })
    .map(parts => parts.map(([a, b]) => a + b).join(''));

  it('what is not touched keeps its bytes', () => {
    fc.assert(
      fc.property(text, text, (before, after) => {
        const file = `${before}UNIQUE LINE\r\n${after}`;
        const result = searchReplace(file, { oldText: 'UNIQUE LINE\n', newText: 'X\nY\n' });
        assert.ok(result.ok);
        assert.equal(applyReplacements(file, result.replacements), `${before}X\r\nY\r\n${after}`);
      }),
      { numRuns: 300, seed: 3 },
    );
  });
  it('a tolerant edit changes nothing but white space more than the exact one', () => {
    fc.assert(
      fc.property(text, fc.nat(11), (file, at) => {
        const lines = file.split(/\r?\n/);
        const target = lines[at % lines.length]!;
        if (!target.trim()) return;
        const result = searchReplace(file, { oldText: target.trim(), newText: 'Z' });
        if (result.ok)
          assert.equal(applyReplacements(file, result.replacements).replace('Z', target.trim()), file);
      }),
      { numRuns: 300, seed: 4 },
    );
  });
});
