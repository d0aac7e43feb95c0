/** The scenarios of `npm run simulate` that need no model. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { ROOT } from '../../../scripts/steps.ts';
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

  it('is played to its end by the command too, where nothing else keeps the process alive', async () => {
    const args = ['--import', 'tsx', 'test/simulate/run.ts', '--only', 'quiet for a while'];
    const { stdout } = await promisify(execFile)(process.execPath, args, { cwd: ROOT });
    assert.match(stdout, /^all scripted +1 of 1$/m);
  });
});
