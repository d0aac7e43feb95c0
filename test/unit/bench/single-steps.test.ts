import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { hooksFor } from '../../../src/cli/engine-session.ts';
import { loadEngine } from '../../../src/engine/load.ts';
import { openSingleSteps } from '../../bench/single-steps.ts';
import { writeTinyModel } from '../../support/tiny-folder.ts';
import { readTokenizer } from '../../support/tokenizer.ts';

describe('scoring in single steps', function () {
  this.timeout(30_000);

  it('gives in float32 what reading in chunks gives, each time from nothing', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'moebius-tiny-'));
    await writeTinyModel(folder);
    const options = { folder, contextTokens: 300, threads: 1 };
    const engine = await loadEngine(options);
    const stepper = await openSingleSteps({ ...options, variant: 'fp32' });
    try {
      const letters = Array.from({ length: 150 }, (_, i) => String.fromCharCode(97 + ((i * i * 7 + i) % 26)));
      const tokens = readTokenizer(folder).encodePlain(letters.join(''));
      for (const part of [tokens, tokens.slice(20)]) {
        const expected = await engine.score(part, 'exact', hooksFor(new AbortController().signal));
        const scores = await stepper.score(part, 'exact');
        assert.equal(scores.length, part.length - 1);
        for (const [i, score] of scores.entries())
          assert.ok(Math.abs(score - expected[i]!) < 1e-4, `row ${i}`);
      }
    } finally {
      await stepper.close();
      await engine.dispose();
      await rm(folder, { recursive: true, force: true });
    }
  });
});
