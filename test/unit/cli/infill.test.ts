import assert from 'node:assert/strict';
import { splitAt } from '../../../src/cli/infill.ts';

describe('infill: the place', () => {
  /** `█` in `expected` stands where the cursor must be. */
  const check = (line: number, column: number, expected: string) =>
    it(`${line}:${column} of ${JSON.stringify(expected)}`, () => {
      const { prefix, suffix } = splitAt(expected.replace('█', ''), line, column);
      assert.equal(`${prefix}█${suffix}`, expected);
    });
  check(1, 1, '█one\ntwo');
  check(1, 4, 'one█\ntwo');
  check(2, 2, 'one\nt█wo\n');
  check(3, 1, 'one\ntwo\n█');
  check(2, 3, 'one\r\ntw█o\r\nthree');
  check(2, 1, 'one\r█two');
  check(1, 1, '█');

  const refuse = (text: string, line: number, column: number, message: RegExp) =>
    it(`refuses ${line}:${column} in ${JSON.stringify(text)}`, () => {
      assert.throws(() => splitAt(text, line, column), { code: 'bad-request', message });
    });
  refuse('one\ntwo', 3, 1, /has 2 lines/);
  refuse('one\r\ntwo', 1, 5, /has 3 characters/);
});
