/** Reports of test runners as they print them: what is counted, where they point, and what is left for the model. */
import assert from 'node:assert/strict';
import { isBetterCheck, readCheck } from '../../../../src/agent/guided/check-report.ts';

const UNITTEST = `F.
======================================================================
FAIL: test_total (test_shop.ShopTest.test_total)
----------------------------------------------------------------------
Traceback (most recent call last):
  File "/tmp/x/tests/test_shop.py", line 12, in test_total
    self.assertEqual(total([1, 2]), 3)
                     ^^^^^^^^^^^^^
  File "/usr/lib/python3.11/unittest/case.py", line 873, in assertEqual
AssertionError: 2 != 3

----------------------------------------------------------------------
Ran 2 tests in 0.001s

FAILED (failures=1)
`;
const TAP = `TAP version 13
# Subtest: adds
ok 1 - adds
  ---
  duration_ms: 1
  ...
# Subtest: divides
not ok 2 - divides
  ---
  duration_ms: 10.2
  location: '/tmp/x/test/math.test.js:3:9000'
  failureType: 'testCodeFailure'
  error: |-
    1 !== 2

  code: 'ERR_ASSERTION'
  expected: 2
  actual: 1
  stack: |-
    divide (file:///tmp/x/src/math.js:7:9)
    TestContext.<anonymous> (file:///tmp/x/test/math.test.js:10:10)
    Test.run (node:internal/test_runner/test:796:25)
  ...
1..2
# tests 2
# pass 1
# fail 1
`;

describe('guided: reports of checks', () => {
  it('unittest', () => {
    const report = readCheck(UNITTEST, 1, ['shop.py', 'tests/test_shop.py']);
    assert.deepEqual([report.passed, report.failed, report.isPassing], [1, 1, false]);
    assert.deepEqual(report.frames, [{ path: 'tests/test_shop.py', line: 12 }]);
    assert.match(report.excerpt, /^FAIL: test_total[\s\S]*AssertionError: 2 != 3/);
    assert.doesNotMatch(report.excerpt, /lib\/python|=====|\^\^\^/);
  });

  it('node:test as TAP, its own frames and compiled positions left out', () => {
    const report = readCheck(TAP, 1, ['src/math.js', 'test/math.test.js']);
    assert.deepEqual([report.passed, report.failed], [1, 1]);
    assert.deepEqual(report.frames, [
      { path: 'src/math.js', line: 7 },
      { path: 'test/math.test.js', line: 10 },
    ]);
    assert.match(report.excerpt, /^not ok 2 - divides\n[\s\S]*expected: 2\n {2}actual: 1/);
    assert.doesNotMatch(report.excerpt, /node:internal|duration_ms|ok 1/);
  });

  it('of a traceback the last place is the first', () => {
    const output =
      'Traceback (most recent call last):\n  File "/x/test_a.py", line 3, in t\n  File "/x/a.py", line 7, in f\nValueError: no\n';
    assert.deepEqual(readCheck(output, 1, ['a.py', 'test_a.py']).frames, [
      { path: 'a.py', line: 7 },
      { path: 'test_a.py', line: 3 },
    ]);
  });

  const counts = (output: string, passed: number | null, failed: number | null) =>
    it(`counts ${JSON.stringify(output)}`, () => {
      const report = readCheck(output, 1, []);
      assert.deepEqual([report.passed, report.failed], [passed, failed]);
    });
  counts('Tests:       1 failed, 5 passed, 6 total', 5, 1);
  counts('==== 2 failed, 3 passed in 0.03s ====', 3, 2);
  counts('  3 passing (9ms)\n  1 failing\n', 3, 1);
  counts('test result: FAILED. 2 passed; 1 failed; 0 ignored', 2, 1);
  counts('Ran 3 tests in 0.1s\n\nFAILED (failures=1, errors=1)', 1, 2);
  counts('Tests:       10 failed, 10 total', 0, 10);
  counts('bash: jest: command not found', null, null);

  it('a jest failure begins at its bullet', () => {
    const output =
      'FAIL ./a.spec.js\n  Say\n    ✕ zero (2 ms)\n\n  ● Say › zero\n\n    expect(received).toEqual(expected)\n';
    assert.match(readCheck(output, 1, []).excerpt, /^● Say › zero\n\n {4}expect/);
  });

  it('is short, whatever the output: failures from the first, other output to the last', () => {
    const many = Array.from({ length: 500 }, (_, i) => `FAIL: test_${i} (x)\nAssertionError: ${i}`).join(
      '\n',
    );
    const failures = readCheck(many, 1, []).excerpt;
    assert.ok(failures.length < 2000 && failures.startsWith('FAIL: test_0'));
    const log = readCheck(`${'compiling\n'.repeat(5000)}error: no such module`, 1, []).excerpt;
    assert.ok(log.length < 2000 && log.endsWith('error: no such module'));
  });

  it('a run that passes more is better, one that ran nothing is the worst', () => {
    const run = (output: string, exitCode = 1) => readCheck(output, exitCode, []);
    const [all, most, some] = [run('5 passed', 0), run('4 passed, 1 failed'), run('2 passed, 1 failed')];
    const broken = run('SyntaxError: invalid syntax');
    const order = [all, most, some, broken];
    for (const [index, better] of order.entries()) {
      for (const worse of order.slice(index + 1)) {
        assert.ok(isBetterCheck(better, worse));
        assert.ok(!isBetterCheck(worse, better));
      }
    }
  });
});

it('guided: a failure names files as the workspace does', () => {
  const { excerpt } = readCheck(TAP, 1, ['src/math.js', 'test/math.test.js']);
  assert.match(excerpt, /divide \(src\/math\.js:7:9\)/);
  assert.match(readCheck('FAIL: x\n/usr/lib/a/b.py:3\n', 1, ['src/b.py']).excerpt, /\/usr\/lib\/a\/b\.py:3/);
});
