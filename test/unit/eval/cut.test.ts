import assert from 'node:assert/strict';
import { beforeStop, codeBlock, everyNth, firstLine, functionBody } from '../../eval/cut.ts';

describe('evaluation: what counts of an answer', () => {
  const check = (cut: (text: string) => string, input: string, expected: string) =>
    it(`${cut.name} of ${JSON.stringify(input)}`, () => assert.equal(cut(input), expected));
  check(functionBody, '    return 1\n\nprint(2)\n', '    return 1\n');
  check(functionBody, '    a\n    b', '    a\n    b');
  check(functionBody, '# note\n    a\n# end', '# note\n    a');
  check(firstLine, '    a\n    b', '    a\n');
  check(firstLine, 'a', 'a\n');
  check(codeBlock, 'Sure:\n```python\nx = 1\n```\nDone', 'x = 1\n');
  check(codeBlock, '```\nx', 'x');
  check(codeBlock, 'x = 1', 'x = 1');

  it('stops at the earliest stop string', () => {
    assert.equal(beforeStop('a\n}\nfunction b\nconsole.log', ['\nconsole.log', '\nfunction ']), 'a\n}');
    assert.equal(beforeStop('abc', ['x']), 'abc');
  });

  it('samples evenly and always the same', () => {
    const items = Array.from({ length: 10 }, (_, i) => i);
    assert.deepEqual(everyNth(items, 3), [0, 3, 6]);
    assert.deepEqual(everyNth(items, 10), items);
    assert.deepEqual(everyNth(items, 99), items);
  });
});
