import assert from 'node:assert/strict';
import {
  afterAnswer,
  afterCrash,
  afterReady,
  type History,
  isQuarantined,
  NO_HISTORY,
  pardon,
} from '../../../src/host/daemon/backoff.ts';

/** s = seconds since the last event; what happens then. */
type Step = { s: number; do: 'ready' | 'answer' | 'crash'; model?: string };

function play(steps: Step[], random = 0.5): { delays: (number | 'give-up')[]; history: History } {
  let history = NO_HISTORY;
  let atMs = 0;
  const delays: (number | 'give-up')[] = [];
  for (const step of steps) {
    atMs += step.s * 1000;
    if (step.do === 'ready') history = afterReady(history, atMs);
    if (step.do === 'answer') history = afterAnswer(history);
    if (step.do !== 'crash') continue;
    const result = afterCrash(history, { atMs, modelAtWork: step.model ?? null }, random);
    history = result.history;
    delays.push(result.verdict.kind === 'retry' ? result.verdict.delayMs : 'give-up');
  }
  return { delays, history };
}

const crash = (s: number, model?: string): Step => ({ s, do: 'crash', ...(model && { model }) });

describe('daemon backoff', () => {
  const check = (name: string, steps: Step[], expected: (number | 'give-up')[]) =>
    it(name, () => assert.deepEqual(play(steps).delays, expected));

  check('waits longer each time, and gives up at the fifth crash within 3 minutes', Array(5).fill(crash(1)), [
    200,
    500,
    1000,
    2000,
    'give-up',
  ]);
  check(
    'goes on at the longest delay when crashes are rare',
    Array(9).fill(crash(50)),
    [200, 500, 1000, 2000, 5000, 10000, 30000, 30000, 30000],
  );
  check(
    'starts anew after 60 s ready and an answer',
    [crash(0), crash(1), { s: 1, do: 'ready' }, { s: 1, do: 'answer' }, crash(60)],
    [200, 500, 200],
  );
  check(
    'does not when it was never of use',
    [crash(0), crash(1), { s: 1, do: 'ready' }, crash(100)],
    [200, 500, 1000],
  );
  check(
    'does not when it lived too short',
    [crash(0), crash(1), { s: 1, do: 'ready' }, { s: 1, do: 'answer' }, crash(10)],
    [200, 500, 1000],
  );

  it('varies the delay by a fifth', () => {
    assert.deepEqual(play([crash(0)], 0).delays, [160]);
    assert.deepEqual(play([crash(0)], 1).delays, [240]);
  });

  it('quarantines a model after two deaths at its hands, until it is pardoned', () => {
    const once = play([crash(0, 'm'), crash(1)]).history;
    assert.equal(isQuarantined(once, 'm'), false);
    const twice = play([crash(0, 'm'), crash(1, 'n'), crash(1, 'm')]).history;
    assert.equal(isQuarantined(twice, 'm'), true);
    assert.equal(isQuarantined(twice, 'n'), false);
    assert.equal(isQuarantined(pardon(twice, 'm'), 'm'), false);
  });

  it('forgets a death when the model has proved healthy since', () => {
    const steps: Step[] = [crash(0, 'm'), { s: 1, do: 'ready' }, { s: 1, do: 'answer' }, crash(70, 'm')];
    assert.equal(isQuarantined(play(steps).history, 'm'), false);
  });
});
