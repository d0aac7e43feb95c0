/** When a check that has failed is run again. */
import assert from 'node:assert/strict';
import { call, done } from '../../support/scripted-model.ts';
import { bench } from './support.ts';

const fix = (old_text: string, new_text: string) => call('edit_file', { path: 'a', old_text, new_text });
const read = (path: string) => call('read_file', { path });
const run = (command: string) => call('run_command', { command });

describe('a check that the model was told to fail', () => {
  it('is not run again after a failure before something was done that could let it pass', async () => {
    const between: [string[], runs: number][] = [
      [[], 1],
      [[read('a'), read('b')], 1],
      // Its own run is the second.
      [[run('check')], 2],
      [[run('install')], 3],
      [[call('ask_user', { question: 'Is it installed?' })], 2],
      [[fix('2', '3')], 2],
    ];
    for (const [calls, runs] of between) {
      const commands: Parameters<typeof bench>[3] = { check: [1, 'no'], install: [0, ''] };
      const task = bench(
        [fix('1', '2'), done('1'), ...calls, done('2')],
        { a: '1' },
        { checkCommand: 'check' },
        commands,
      );
      const outcome = await task.run();
      assert.deepEqual([outcome.reason, outcome.text, outcome.checkPassed], ['done', '2', false]);
      assert.equal(task.actions.filter(action => action.startsWith('run ')).length, runs, calls.join());
    }
  });
});
