/** What the user is told about memory. */
import assert from 'node:assert/strict';
import { defaultModel } from '../../../src/models/catalogue.ts';
import { adviseHardware } from '../../../src/models/hardware.ts';

describe('models: hardware advice', () => {
  const GB = 1024 ** 3;
  const cases: [number, number, string, RegExp][] = [
    [16, 8, 'fits', /about 2\.2 GB of memory; 8\.0 GB are free/],
    [16, 1, 'tight', /Close other programs/],
    [4, 3.5, 'tight', /Close other programs/],
    [3, 2.9, 'too-large', /this machine has 3\.0 GB. Choose a smaller/],
  ];
  for (const [total, free, verdict, sentence] of cases) {
    it(`${verdict} with ${free} of ${total} GB free`, () => {
      const advice = adviseHardware(defaultModel().sizeBytes, {
        totalBytes: total * GB,
        freeBytes: free * GB,
      });
      assert.equal(advice.verdict, verdict);
      assert.match(advice.sentence, sentence);
    });
  }
});
