import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Embedding } from '../../../src/engine/session/embedding.ts';
import { LogitRefiner } from '../../../src/engine/session/logit-refiner.ts';
import { random } from '../../support/tiny-model.ts';

const [VOCAB, HIDDEN] = [300, 16];

describe('logit refiner', () => {
  const folder = mkdtempSync(join(tmpdir(), 'moebius-refiner-'));
  const next = random(11);
  const rows = Float32Array.from({ length: VOCAB * HIDDEN }, next);
  const normed = Float32Array.from({ length: HIDDEN }, next);
  writeFileSync(join(folder, 'rows'), Buffer.from(rows.buffer));
  const refiner = new LogitRefiner(new Embedding(folder, { kind: 'f32', file: 'rows', offset: 0 }, HIDDEN));
  after(() => {
    refiner.close();
    rmSync(folder, { recursive: true });
  });
  const exact = (id: number) => normed.reduce((sum, x, i) => sum + x * rows[id * HIDDEN + i]!, 0);

  it('computes the largest logits again and leaves what cannot matter', () => {
    const coarse = Float32Array.from({ length: VOCAB }, (_, id) => (id % 30 === 0 ? 20 + next() : next()));
    const refined = coarse.slice();
    refiner.refine(refined, normed);
    for (const [id, value] of refined.entries()) {
      if (id % 30 === 0) assert.ok(Math.abs(value - exact(id)) < 1e-5, `${id}`);
      else assert.equal(value, coarse[id]);
    }
  });

  it('takes the 64 largest where very many are close', () => {
    const coarse = Float32Array.from({ length: VOCAB }, (_, id) => 100 + ((id * 7) % VOCAB) / VOCAB);
    const refined = coarse.slice();
    refiner.refine(refined, normed);
    const changed = [...refined.keys()].filter(id => refined[id] !== coarse[id]);
    assert.equal(changed.length, 64);
    assert.ok(changed.every(id => (id * 7) % VOCAB >= VOCAB - 64));
  });

  it('leaves ids that are ruled out', () => {
    const logits = new Float32Array(VOCAB).fill(-Infinity).fill(1, 5, 6);
    refiner.refine(logits, normed);
    assert.deepEqual([logits[4], logits[5]], [-Infinity, Math.fround(exact(5))]);
  });
});
