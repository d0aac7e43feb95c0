/** The scenarios of `npm run simulate` that need no model. */
import assert from 'node:assert/strict';
import { SCENARIOS } from '../../simulate/scenarios/all.ts';
import { play } from '../../simulate/world.ts';

describe('agent scenarios', function () {
  this.timeout(30_000);

  it('are at least 40, each with its own name', () => {
    const names = Object.entries(SCENARIOS).flatMap(([group, list]) =>
      list.map(one => `${group}: ${one.name}`),
    );
    assert.ok(names.length >= 40, `${names.length}`);
    assert.equal(new Set(names).size, names.length);
  });

  it('have 60 injections and more', () => assert.ok(SCENARIOS.injections!.length >= 60));

  for (const [group, list] of Object.entries(SCENARIOS)) {
    for (const scenario of list) it(`${group}: ${scenario.name}: ${scenario.must}`, () => play(scenario));
  }
});
