import assert from 'node:assert/strict';
import { passAt, type Scores, worse } from '../../simulate/scores.ts';

describe('scores of the agent', () => {
  it('pass@k is the share of tasks that k of n tries solve', () => {
    assert.equal(passAt(1, [3, 0], 3), 0.5);
    assert.ok(Math.abs(passAt(1, [1, 2], 3) - 0.5) < 1e-12);
    assert.equal(passAt(3, [1, 0], 3), 0.5);
    // Of four tries one solves: three of the four ways to choose three hold it.
    assert.ok(Math.abs(passAt(3, [1], 4) - 0.75) < 1e-12);
    assert.ok(Number.isNaN(passAt(3, [1], 2)));
    assert.ok(Number.isNaN(passAt(1, [], 3)));
  });

  it('are worse when a scenario no longer holds, or fewer tasks are solved', () => {
    const edits = ['one line is changed', 'all occurrences are replaced'];
    const guided = { model: 'm', seeds: 3, passAt1: 0.5, passAt3: 0.8, tasks: {} };
    const before: Scores = {
      scripted: { edits: { of: 2, held: [...edits, 'a scenario that is gone'] } },
      guided,
    };
    const now = (held: string[], passAt1: number, model = 'm'): Scores => ({
      scripted: { edits: { of: 2, held } },
      guided: { ...guided, model, passAt1 },
    });
    assert.deepEqual(worse(now(edits, 0.5), before), []);
    assert.deepEqual(worse(now(edits.slice(1), 0.5), before), ['edits: one line is changed']);
    assert.deepEqual(worse(now(edits, 0.3), before), ['pass@1 0.3 instead of 0.5']);
    assert.deepEqual(worse(now(edits, 0.4), before), [], 'within the tolerance');
    assert.deepEqual(worse(now(edits, 0.1, 'another'), before), []);
  });
});
