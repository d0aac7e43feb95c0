/** How positions are stretched where settings leave something out, as transformers fills it in. */
import assert from 'node:assert/strict';
import { Config } from '../../../src/convert/config.ts';
import { ropeOf } from '../../../src/convert/rope.ts';

describe('the length that positions are stretched from', () => {
  const KEY = 'original_max_position_embeddings';
  for (const scaling of [
    { rope_type: 'yarn', factor: 4 },
    { rope_type: 'llama3', factor: 4, low_freq_factor: 1, high_freq_factor: 4 },
  ]) {
    const rope = (inside: object, beside: object) => {
      const settings = { max_position_embeddings: 256, rope_theta: 500, ...beside };
      return ropeOf(new Config({ ...settings, rope_scaling: { ...scaling, ...inside } }, 'config.json'), 32);
    };
    it(`is the model's own where ${scaling.rope_type} names none, and one beside its settings comes first`, () => {
      assert.deepEqual(rope({}, {}), rope({ [KEY]: 256 }, {}));
      assert.deepEqual(rope({ [KEY]: 64 }, { [KEY]: 128 }), rope({ [KEY]: 128 }, {}));
      assert.notDeepEqual(rope({ [KEY]: 64 }, {}), rope({}, {}));
    });
  }
});
