import assert from 'node:assert/strict';
import { RepetitionGuard } from '../../../src/engine/repetition.ts';
import { logProbOf, Sampler } from '../../../src/engine/sampler.ts';

const LOGITS = [1, 3, 2, -1, 0, 5];
const row = (values = LOGITS) => Float32Array.from(values);
const softmax = (values: number[]) => {
  const top = Math.max(...values);
  const weights = values.map(value => Math.exp(value - top));
  const total = weights.reduce((a, b) => a + b, 0);
  return weights.map(weight => weight / total);
};

/** How often each id is drawn. */
function frequencies(
  settings: ConstructorParameters<typeof Sampler>[0],
  draws = 4000,
  banned: number[] = [],
) {
  const sampler = new Sampler({ seed: 7, ...settings }, banned, LOGITS.length);
  const counts = LOGITS.map(() => 0);
  for (let i = 0; i < draws; i++) counts[sampler.choose(row()).token]!++;
  return counts.map(count => count / draws);
}

describe('sampler', () => {
  it('takes the likeliest token, the first of equals', () => {
    const greedy = new Sampler({}, [], 6);
    assert.equal(greedy.choose(row()).token, 5);
    assert.equal(greedy.choose(row([0, 4, 4, 0, 0, 0])).token, 1);
  });

  it('never takes a banned id or one past the vocabulary, cold or hot', () => {
    for (const temperature of [0, 5]) {
      const sampler = new Sampler({ temperature, topK: 0, seed: 1 }, [1], 5);
      for (let i = 0; i < 300; i++) assert.ok([0, 2, 3, 4].includes(sampler.choose(row()).token));
    }
  });

  it('tells the log probability under the model', () => {
    const expected = softmax(LOGITS).map(Math.log);
    const { token, logProb } = new Sampler({}, [], 6, true).choose(row());
    assert.ok(Math.abs(logProb - expected[token]!) < 1e-6);
    for (const [id, value] of expected.entries()) assert.ok(Math.abs(logProbOf(row(), id) - value) < 1e-6);
  });

  it('draws with the frequencies of the distribution at a temperature', () => {
    for (const temperature of [0.5, 1, 2]) {
      const expected = softmax(LOGITS.map(logit => logit / temperature));
      frequencies({ temperature, topK: 0 }).forEach((share, id) => {
        assert.ok(
          Math.abs(share - expected[id]!) < 0.03,
          `id ${id} at ${temperature}: ${share}, not ${expected[id]}`,
        );
      });
    }
  });

  function keeps(settings: ConstructorParameters<typeof Sampler>[0], expected: number[]) {
    it(`${JSON.stringify(settings)} leaves ${expected}`, () => {
      const shares = frequencies({ temperature: 3, ...settings });
      assert.deepEqual(
        shares.flatMap((share, id) => (share > 0 ? [id] : [])),
        expected,
      );
    });
  }
  keeps({ topK: 1 }, [5]);
  keeps({ topK: 3 }, [1, 2, 5]);
  keeps({ topK: 0, topP: 0.01 }, [5]);
  keeps({ topK: 0, topP: 0.6 }, [1, 5]);
  keeps({ topK: 0, minP: 0.5 }, [1, 5]);
  keeps({ topK: 0, topP: 1, minP: 0 }, [0, 1, 2, 3, 4, 5]);

  it('draws the same from the same seed', () => {
    const draw = (seed: number) => {
      const sampler = new Sampler({ temperature: 2, seed }, [], 6);
      return Array.from({ length: 50 }, () => sampler.choose(row()).token).join();
    };
    assert.equal(draw(1), draw(1));
    assert.notEqual(draw(1), draw(2));
  });

  it('says so when the model produced no numbers', () => {
    for (const bad of [Number.NaN, -Infinity, Infinity]) {
      assert.throws(() => new Sampler({}, [], 6).choose(row(LOGITS.map(() => bad))), { code: 'internal' });
    }
  });
});

describe('repetition guard', () => {
  /** Tokens until it notices, or null. */
  function noticedAfter(tokens: number[], patience = 1): number | null {
    const guard = new RepetitionGuard(patience);
    const at = tokens.findIndex(token => guard.push(token));
    return at < 0 ? null : at + 1;
  }
  const cycle = (period: number, length: number) => Array.from({ length }, (_, i) => i % period);
  const fresh = Array.from({ length: 200 }, (_, i) => i);

  function check(name: string, tokens: number[], expected: number | null, patience?: number) {
    it(`${name} -> ${expected}`, () => assert.equal(noticedAfter(tokens, patience), expected));
  }
  check('one token over and over', cycle(1, 50), 10);
  check('period 2', cycle(2, 50), 30);
  check('period 10', cycle(10, 50), 30);
  check('period 11', cycle(11, 100), 45);
  check('period 30', cycle(30, 100), 60);
  check('period 31', cycle(31, 300), null);
  check('nothing repeats', fresh, null);
  check('a loop after honest text', [...fresh, ...cycle(5, 60)], 230);
  check('nine equal tokens', [...cycle(1, 9), 5, ...cycle(1, 9)], null);
  check('a patient guard', cycle(1, 50), 40, 4);
});
