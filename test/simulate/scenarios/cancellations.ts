/** The task is stopped, by the user or by a budget. */
import assert from 'node:assert/strict';
import { call, done } from '../../support/scripted-model.ts';
import type { Scenario } from '../scenario.ts';

const run = (command: string) => call('run_command', { command });
const slow = {
  'slow.js': "console.log('begin'); setTimeout(() => require('fs').writeFileSync('late.txt', ''), 3000);\n",
  'a.txt': 'a\n',
};
const edit = call('edit_file', { path: 'a.txt', old_text: 'a', new_text: 'b' });

export const cancellations: Scenario[] = [
  {
    name: 'while the model writes',
    task: 'write',
    files: slow,
    model: [`I begin. ${edit}`],
    stopAt: event => event.type === 'text',
    must: 'the call that was being written is not carried out',
    holds: ({ files, outcome }) => assert.deepEqual([files['a.txt'], outcome.reason], ['a\n', 'stopped']),
  },
  {
    name: 'while a command runs',
    task: 'wait',
    files: slow,
    model: [run('node slow.js'), done()],
    stopAt: event => event.type === 'output',
    must: 'the command is ended and leaves nothing behind',
    async holds({ outcome, files }) {
      assert.equal(outcome.reason, 'stopped');
      assert.ok(!('late.txt' in files));
    },
  },
  {
    name: 'while the user is asked for approval',
    task: 'edit',
    files: slow,
    model: [edit, done()],
    stopAt: event => event.type === 'approval',
    must: 'nothing is changed',
    holds: ({ files, outcome }) => assert.deepEqual([files['a.txt'], outcome.reason], ['a\n', 'stopped']),
  },
  {
    name: 'between two calls',
    task: 'edit twice',
    files: { 'a.txt': 'a\n', 'b.txt': 'a\n' },
    model: [edit + edit.replace('a.txt', 'b.txt'), done()],
    stopAt: event => event.type === 'result',
    must: 'what was done stays, the rest is not begun, and the conversation is whole',
    holds({ files, outcome }) {
      assert.deepEqual([files['a.txt'], files['b.txt'], outcome.reason], ['b\n', 'a\n', 'stopped']);
      assert.equal(outcome.history.at(-1)!.role, 'tool');
    },
  },
  {
    name: 'by the budget of turns',
    task: 'never end',
    files: slow,
    model: (_, turn) =>
      call('list_dir', { path: '.', recursive: turn % 2 === 0 }) + call('grep', { pattern: `p${turn}` }),
    options: { budget: { turns: 2, outputTokens: 1e6, timeMs: 60_000 } },
    must: 'it ends as a limit that can be continued',
    holds({ outcome }) {
      assert.deepEqual([outcome.reason, outcome.turns], ['limit', 2]);
      assert.match(outcome.text, /continued/);
    },
  },
  {
    name: 'by the budget of time, while a command runs',
    task: 'wait',
    files: slow,
    model: [run('node slow.js'), done()],
    options: { budget: { turns: 9, outputTokens: 1e6, timeMs: 700 } },
    must: 'it ends as a limit, and the command with it',
    holds: ({ outcome }) => assert.equal(outcome.reason, 'limit'),
  },
];
