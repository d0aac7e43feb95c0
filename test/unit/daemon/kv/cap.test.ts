import assert from 'node:assert/strict';
import { kvCapBytes } from '../../../../src/daemon/kv/cap.ts';

describe('cap of saved pages', () => {
  for (const [setting, expected] of [
    [undefined, 2048],
    ['', 2048],
    ['0', 0],
    ['100', 100],
    ['-1', 2048],
    ['much', 2048],
  ] as const) {
    it(`${setting}: ${expected} MB`, () => {
      assert.equal(kvCapBytes({ MOEBIUS_KV_MEGABYTES: setting }), expected * 2 ** 20);
    });
  }
});
