import assert from 'node:assert/strict';
import type { Figure, Plan } from '../../bench/plan.ts';
import { runScenarios } from '../../bench/run-scenarios.ts';

const PLAN: Plan = {
  model: 'm',
  gguf: null,
  variants: {},
  variant: 'int4',
  levels: [],
  threads: 1,
  rounds: 1,
  quick: true,
};
const FIGURE: Figure = { scenario: 'good', what: 'read', unit: 'ms', values: { moebius: 1 }, rounds: 1 };

describe('scenarios of the benchmark', () => {
  it('go on after one that fails, which is named with its reason', async () => {
    const printed: string[] = [];
    const scenarios = {
      bad: async () => {
        throw new Error('no such model');
      },
      good: async () => [FIGURE],
    };
    const { figures, failures, seconds } = await runScenarios(scenarios, PLAN, text => printed.push(text));
    assert.deepEqual(figures, [FIGURE]);
    assert.deepEqual(failures, { bad: 'no such model' });
    assert.deepEqual(Object.keys(seconds), ['bad', 'good']);
    assert.ok(printed.some(line => line.includes('failed: no such model')));
    assert.ok(printed.some(line => line.includes('| read, ms | 1.000 |')));
  });
});
