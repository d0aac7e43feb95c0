import assert from 'node:assert/strict';
import { memoryBytes } from '../../../src/base/memory.ts';

const GIB = 2 ** 30;

describe('memory that the process may have', () => {
  const check = (what: string, limit: number | undefined, expectedGib: number) =>
    it(`${what}: ${expectedGib} GiB of 8`, () =>
      assert.equal(memoryBytes(8 * GIB, limit), expectedGib * GIB));
  check('a container of 2 GiB', 2 * GIB, 2);
  check('a container larger than the machine', 16 * GIB, 8);
  check('no limit', 0, 8);
  check('nothing known of a limit', undefined, 8);
  check('the limit that means none', 2 ** 64, 8);
});
