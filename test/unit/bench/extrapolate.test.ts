import assert from 'node:assert/strict';
import { NO_WEIGHTS } from '../../../src/models/model-facts.ts';
import { extrapolate, type LayerFacts } from '../../bench/big/extrapolate.ts';

describe('a model of which two layers are measured', () => {
  const facts = (int4: number, int8: number): LayerFacts => ({
    met: { ...NO_WEIGHTS, int4, int8 },
    head: { ...NO_WEIGHTS, int4: 40e6 },
    kvBytes: 0,
  });

  it('takes as long as the dense layer, 45 sparse ones and the output projection', () => {
    const times = [
      { stepMs: 10, chunkMs: 500, headMs: 5 },
      { stepMs: 18, chunkMs: 1100, headMs: 6 },
    ] as const;
    const whole = extrapolate(times, [facts(100e6, 100e6), facts(200e6, 200e6)], 20e9);
    assert.deepEqual([whole.layer.stepMs, whole.layer.chunkMs], [8, 600]);
    assert.ok(Math.abs(whole.writesPerSecond - 1000 / (10 + 45 * 8 + 6)) < 1e-9);
    assert.ok(Math.abs(whole.readsPerSecond - (1000 * 256) / (500 + 45 * 600)) < 1e-9);
    // 0.75 and 1.0625 bytes a weight.
    assert.ok(Math.abs(whole.layer.bytes - 181.25e6) < 1);
    assert.ok(Math.abs(whole.bytesPerToken - (46 * 181.25e6 + 30e6)) < 1);
    assert.ok(Math.abs(whole.boundPerSecond - 20e9 / whole.bytesPerToken) < 1e-9);
  });

  it('counts what attention reads of the cache', () => {
    const times = { stepMs: 1, chunkMs: 1, headMs: 1 };
    const cached = (kvBytes: number) => ({ ...facts(1, 1), kvBytes });
    const { bytesPerToken } = extrapolate([times, times], [cached(10), cached(30)], 1);
    const without = extrapolate([times, times], [cached(0), cached(0)], 1).bytesPerToken;
    assert.equal(Math.round(bytesPerToken - without), 512 * (10 + 45 * 20));
  });
});
