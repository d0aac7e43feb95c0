/** The small parts of the guided profile: what is asked, where to look, what is worse than before. */
import assert from 'node:assert/strict';
import { readCheck } from '../../../../src/agent/guided/check-report.ts';
import { beyond, isBetter, isSolved, remainingOf } from '../../../../src/agent/guided/findings.ts';
import { hintsFor } from '../../../../src/agent/guided/hints.ts';
import { saysCheckFails, takesAway, wantsAnswer } from '../../../../src/agent/guided/intent.ts';
import { withMarkers, withoutMarkers } from '../../../../src/agent/guided/markers.ts';
import { codeNamesIn } from '../../../../src/agent/guided/names.ts';
import { outlineOf, regionsOf } from '../../../../src/agent/guided/region.ts';
import { importedFiles, isTest } from '../../../../src/agent/guided/source-paths.ts';
import type { Diagnostic } from '../../../../src/agent/ports.ts';

describe('guided: is it a question', () => {
  const check = (task: string, expected: boolean) =>
    it(`${JSON.stringify(task)} -> ${expected ? 'answer' : 'change'}`, () =>
      assert.equal(wantsAnswer(task), expected));
  check('What does parse() do?', true);
  check('explain this file', true);
  check('Why does the test fail?', true);
  check('Why does the test fail? Fix it.', false);
  check('Can you please fix the failing test?', false);
  check('Could you explain `add the numbers`?', true);
  check('The tests fail.', false);
  check('Do it.', false);
  check('Do the same for b.js', false);
  check('Do the tests pass?', true);
  check('Implement leap.py.\n\nGiven a year, report if it is a leap year. What is a leap year?', false);
});

describe('guided: is it about a failing check', () => {
  const check = (task: string, expected: boolean) =>
    it(`${JSON.stringify(task)} -> ${expected}`, () => assert.equal(saysCheckFails(task), expected));
  check('The tests fail. Fix the code.', true);
  check('Fix the failing test in cart.js.', true);
  check('`pytest` fails', true);
  check('The build is broken', true);
  check('Add a retry to add() when the request fails.', false);
  check('Make the error label red. Then run the tests.', false);
  check('Throw if validation fails', false);
});

describe('guided: is something to be taken away', () => {
  const check = (words: string, expected: boolean) =>
    it(`${JSON.stringify(words)} -> ${expected}`, () => assert.equal(takesAway(words), expected));
  check('Remove the helper.', true);
  check("Fix this problem: 'a' is declared but its value is never read.", true);
  check('TypeError: total is not a function', true);
  check('Unreachable code.', true);
  check("Cannot find name 'b'.", false);
  check('Let add() take three numbers.', false);
});

describe('guided: imported files', () => {
  const check = (path: string, text: string, paths: string[], expected: string[]) =>
    it(text, () => assert.deepEqual(importedFiles(path, text, paths), expected));
  check('test/a.test.ts', "import { f } from '../src/a.js';", ['src/a.ts', 'a.ts'], ['src/a.ts']);
  check('src/a.js', "const b = require('./lib');", ['src/lib/index.js', 'lib.js'], ['src/lib/index.js']);
  check(
    'tests/test_a.py',
    'from pkg.mod import f\nimport os, other',
    ['pkg/mod.py', 'other.py'],
    ['pkg/mod.py', 'other.py'],
  );
  check('pkg/a.py', 'from .b import c', ['b.py', 'pkg/b.py'], ['pkg/b.py']);
  check('a.js', "import 'node:fs'; import './a.js';", ['a.js', 'fs.js'], []);
});

it('guided: knows tests by their paths', () => {
  for (const path of [
    'test/a.js',
    'src/__tests__/a.ts',
    'a.spec.js',
    'a_test.py',
    'test_a.py',
    'x/a.test.tsx',
  ])
    assert.ok(isTest(path), path);
  for (const path of ['src/latest.js', 'contest.py', 'src/attest/a.ts']) assert.ok(!isTest(path), path);
});

it('guided: names in prose are what only code looks like', () => {
  assert.deepEqual(codeNamesIn('Let `add` return a number'), ['add'], 'a common word, but said to be code');
  assert.deepEqual(codeNamesIn('Make `parse` and total() faster, see low_stock or readConfig. Thanks'), [
    'parse',
    'total',
    'low_stock',
    'readConfig',
  ]);
});

describe('guided: regions', () => {
  const file = (count: number) =>
    Array.from({ length: count }, (_, i) => `function f${i}() {\n  return ${i};\n}\n`)
      .join('\n')
      .split('\n');
  it('a small file as a whole, then the function', () => {
    const regions = regionsOf(file(3), { lines: [5], names: [] });
    assert.deepEqual(regions[0], { first: 0, last: 11, isWholeFile: true });
    assert.deepEqual(regions[1], { first: 4, last: 6, isWholeFile: false });
  });
  it('of a small file the function first, if something points at it', () => {
    const regions = regionsOf(file(10), { lines: [5], names: [] });
    assert.deepEqual(
      regions.map(({ first, isWholeFile }) => [first, isWholeFile]),
      [
        [4, false],
        [0, true],
      ],
    );
    assert.equal(regionsOf(file(10), { lines: [], names: [] })[0]!.isWholeFile, true);
  });
  it('of a larger file the functions that lines and names point at, then the whole', () => {
    const regions = regionsOf(file(20), { lines: [41], names: ['f2'] });
    assert.deepEqual(
      regions.map(region => region.first),
      [40, 8, 0],
    );
  });
  it('is the function, not the loop or the callback in it', () => {
    const lines = [
      'def parse(text):',
      '    for line in text.splitlines():',
      '        use(line)',
      '',
      'x = 1',
    ];
    const long = [...lines, ...file(20)];
    assert.deepEqual(regionsOf(long, { lines: [2], names: [] })[0], {
      first: 0,
      last: 2,
      isWholeFile: false,
    });
    const callback = [
      'function f() {',
      '  return list.map(item => {',
      '    g(item);',
      '  });',
      '}',
      '',
      ...file(20),
    ];
    assert.deepEqual(regionsOf(callback, { lines: [2], names: [] })[0], {
      first: 0,
      last: 4,
      isWholeFile: false,
    });
  });
  it('never the whole of a large file', () => {
    const regions = regionsOf(file(100), { lines: [41], names: [] });
    assert.ok(regions.length > 0 && regions.every(region => !region.isWholeFile));
  });
  it('outlines the rest', () => {
    assert.equal(
      outlineOf(['import a', 'function f() {', '}', 'x = 1', 'class B {'], {
        first: 1,
        last: 2,
        isWholeFile: false,
      }),
      'import a\nclass B {',
    );
  });
});

it('guided: markers show a place and are taken out again', () => {
  const marked = withMarkers(['a = b', 'c = d'], new Map([[1, '"d" is not\ndefined']]), 'x.py');
  assert.deepEqual(marked, ['a = b', 'c = d # <-- PROBLEM: "d" is not defined']);
  assert.equal(withoutMarkers(`${marked.join('\n')}\n// mine`, ''), 'a = b\nc = d\n// mine');
});

it("guided: notes that a model writes in the form of markers are taken out, the user's own stay", () => {
  const written =
    'a(); // <-- FIXED: now\n  # <-- REMOVED\nb(); /* <-- here */\n\nc(); // <-- mine\nf(/* <-- it */ y);\nx <-- 1;\n-- y';
  assert.equal(
    withoutMarkers(written, 'c(); // <-- mine\n'),
    'a();\nb();\n\nc(); // <-- mine\nf(/* <-- it */ y);\nx <-- 1;\n-- y',
  );
});

it('guided: a word that two kinds of messages have is no hint to both', () => {
  const syntax = /Correct the syntax/;
  for (const message of [
    'Expected a function expression.',
    "Expected a 'break' statement before 'case'.",
    "Expected '===' and instead saw '=='.",
  ])
    assert.doesNotMatch(hintsFor([message]), syntax, message);
  for (const message of [
    "';' expected.",
    'Parsing error: Expression expected.',
    'Declaration or statement expected.',
    'Expected expression',
    'Expected ":"',
    "expected ':'",
    "IndentationError: expected an indented block after 'if' statement on line 1",
  ])
    assert.match(hintsFor([message]), syntax, message);
});

it('guided: hints stand for kinds of messages', () => {
  assert.match(
    hintsFor(["Property 'anything' is private and only accessible within class 'Any'."]),
    /protected/,
  );
  assert.match(hintsFor(["AttributeError: 'Any' object has no attribute 'thing'"]), /exactly that name/);
  assert.match(
    hintsFor(["TypeError: f() got an unexpected keyword argument 'x'"]),
    /parameters that the test/,
  );
  assert.equal(hintsFor(['The moon is made of cheese.']), '');
});

describe('guided: findings', () => {
  it('a check that failed before must pass only if that is the task', () => {
    const failing = { check: readCheck('1 failed, 3 passed', 1, []), remaining: [], fresh: [] };
    const worse = { ...failing, check: readCheck('2 failed, 2 passed', 1, []) };
    assert.equal(isSolved(failing, failing, true), false);
    assert.equal(isSolved(failing, failing, false), true);
    assert.equal(isSolved(worse, failing, false), false);
  });

  const problem = (message: string, line = 1, path = 'a.ts'): Diagnostic => ({
    path,
    line,
    column: 1,
    severity: 'error',
    message,
    source: 'ts',
  });
  it('a problem that moved to another line is the same', () => {
    assert.deepEqual(beyond([problem('x', 9)], [problem('x', 2)]), []);
    assert.equal(beyond([problem('x', 9), problem('x', 10)], [problem('x', 2)]).length, 1);
  });
  it('of the same message elsewhere only those of the task remain', () => {
    const [first, second] = [problem('x', 1), problem('x', 5)];
    assert.equal(remainingOf([second], [first, second], [first]).length, 0);
    assert.equal(remainingOf([first, second], [first, second], [first]).length, 1);
  });
  it('of which only a number changed is still there', () => {
    const [before, after] = [problem('Line too long (208/100)'), problem('Line too long (166/100)')];
    assert.deepEqual(remainingOf([after], [before], [before]), [after]);
    assert.deepEqual(beyond([after], [before]), []);
    assert.equal(beyond([problem("No 'b1'")], [problem("No 'b2'")]).length, 1, 'of a name it is a part');
  });
  it('gone without anything new is solved; fewer is better', () => {
    const none = { check: null, remaining: [], fresh: [] };
    const one = { ...none, remaining: [problem('x')] };
    const other = { ...none, fresh: [problem('y'), problem('z')] };
    for (const [findings, expected] of [
      [none, true],
      [one, false],
      [other, false],
    ] as const)
      assert.equal(isSolved(findings, none, true), expected);
    assert.ok(isBetter(none, one) && isBetter(one, other) && !isBetter(other, one));
  });
});
