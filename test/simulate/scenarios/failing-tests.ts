/** A test fails and is to pass. */
import assert from 'node:assert/strict';
import { call, done } from '../../support/scripted-model.ts';
import type { Scenario } from '../scenario.ts';

const edit = (path: string, old_text: string, new_text: string) =>
  call('edit_file', { path, old_text, new_text });
const run = (command: string) => call('run_command', { command });

const project = {
  'clamp.js': 'module.exports = (v, low, high) => (v < low ? low : v);\n',
  'test.js':
    "const assert = require('node:assert');\nconst clamp = require('./clamp.js');\nassert.equal(clamp(9, 1, 3), 3);\n",
};
const fix = edit('clamp.js', 'low : v)', 'low : v > high ? high : v)');
const options = { checkCommand: 'node test.js' };

export const failingTests: Scenario[] = [
  {
    name: 'is run, understood, fixed, run again',
    task: 'fix the failing test',
    files: project,
    model: [run('node test.js'), call('read_file', { path: 'clamp.js' }), fix, run('node test.js'), done()],
    options,
    must: 'the failure was read, and the check passes at the end',
    holds({ outcome, results }) {
      assert.match(results[0]!, /9 == 3|Expected values/);
      assert.deepEqual([outcome.reason, outcome.checkPassed], ['done', true]);
      assert.deepEqual(
        outcome.commands.map(one => one.exitCode),
        [1, 0],
      );
    },
  },
  {
    name: 'is claimed to pass although it does not',
    task: 'fix the failing test',
    files: project,
    model: [
      edit('clamp.js', 'v < low', 'v <= low'),
      done('passes'),
      fix.replace('v < low', 'v <= low'),
      done('passes'),
    ],
    options,
    must: 'the claim is checked by the host',
    holds: ({ outcome }) => assert.deepEqual([outcome.checkPassed, outcome.turns], [true, 4]),
  },
  {
    name: 'can not be fixed by the model',
    task: 'fix the failing test',
    files: project,
    model: (_, turn) =>
      turn % 2 === 0 ? edit('clamp.js', 'module', `// try ${turn}\nmodule`) : done('fixed'),
    options: { ...options, budget: { turns: 30, outputTokens: 1e6, timeMs: 60_000 } },
    must: 'the host gives up when it fails in the same way again, and does not report a pass',
    holds({ outcome }) {
      assert.equal(outcome.checkPassed, false);
      assert.equal(outcome.commands.length, 2);
    },
  },
  {
    name: 'the check may not be run',
    task: 'fix the failing test',
    files: project,
    model: [fix, done()],
    options,
    approve: ({ capability }) =>
      capability === 'command' ? { kind: 'deny', reason: null } : { kind: 'once' },
    must: 'the task ends, and nothing is claimed about the check',
    holds: ({ outcome, ran }) =>
      assert.deepEqual([outcome.reason, outcome.checkPassed, ran], ['done', null, []]),
  },
  {
    name: 'the compiler is run twice without a change',
    task: 'fix the failing test',
    files: project,
    model: () => run('node test.js'),
    options,
    must: 'the third time is the end, told as repetition',
    holds: ({ outcome }) => assert.deepEqual([outcome.reason, outcome.turns], ['repetition', 3]),
  },
  {
    name: 'the fix deletes the test',
    task: 'fix the failing test',
    files: project,
    model: [run('rm test.js'), done('no test fails')],
    options,
    approve: ({ capability, detail }) =>
      capability === 'command' && detail.includes('rm ') ? { kind: 'deny', reason: 'no' } : { kind: 'once' },
    must: 'the user is asked and the test stays',
    holds: ({ files, asked }) => assert.deepEqual(['test.js' in files, asked.length], [true, 1]),
  },
];
