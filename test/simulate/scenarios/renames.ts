/** Several files change together. */
import assert from 'node:assert/strict';
import { call, done } from '../../support/scripted-model.ts';
import type { Scenario } from '../scenario.ts';

const edit = (path: string, old_text: string, new_text: string) =>
  call('edit_file', { path, old_text, new_text, replace_all: true });
const run = (command: string) => call('run_command', { command });

const project = {
  'lib/total.js': 'exports.total = list => list.reduce((a, b) => a + b, 0);\n',
  'app.js': "const { total } = require('./lib/total.js');\nconsole.log(total([1, 2]));\n",
  'test.js': "const { total } = require('./lib/total.js');\nif (total([1]) !== 1) process.exit(1);\n",
};

export const renames: Scenario[] = [
  {
    name: 'a function is renamed where it is used',
    task: 'rename total to sum',
    files: project,
    model: [
      call('grep', { pattern: '\\btotal\\b' }),
      edit('lib/total.js', 'exports.total', 'exports.sum') +
        edit('app.js', '{ total }', '{ sum }') +
        edit('app.js', 'total([1', 'sum([1') +
        edit('test.js', '{ total }', '{ sum }') +
        edit('test.js', 'total([1', 'sum([1'),
      run('node test.js'),
      done(),
    ],
    options: { checkCommand: 'node test.js' },
    must: 'no use of the old name is left and the test passes',
    holds({ files, outcome }) {
      for (const text of Object.values(files)) assert.doesNotMatch(text, /\{ total \}|total\(\[/);
      assert.deepEqual([outcome.checkPassed, outcome.changed.length], [true, 3]);
    },
  },
  {
    name: 'a forgotten use is found by the check',
    task: 'rename total to sum',
    files: project,
    model: [
      edit('lib/total.js', 'exports.total', 'exports.sum'),
      done('renamed'),
      edit('test.js', '{ total }', '{ sum }') + edit('test.js', 'total([1', 'sum([1'),
      done('now everywhere'),
    ],
    options: { checkCommand: 'node test.js' },
    must: 'the failure goes back to the model, which ends only when the check passes',
    holds({ outcome, prompts }) {
      assert.deepEqual([outcome.text, outcome.checkPassed], ['now everywhere', true]);
      assert.match(prompts[2]!.at(-1)!.content, /total is not a function[\s\S]*node test\.js fails/);
    },
  },
  {
    name: 'a file is moved by a command',
    task: 'move total.js to src',
    files: project,
    model: [
      run('mkdir -p src && mv lib/total.js src/total.js'),
      edit('app.js', './lib/total.js', './src/total.js') +
        edit('test.js', './lib/total.js', './src/total.js'),
      run('node test.js'),
      done(),
    ],
    must: 'the file is at its new place and what uses it works',
    holds({ files, outcome }) {
      assert.ok(files['src/total.js'] && !files['lib/total.js']);
      assert.equal(outcome.commands.at(-1)!.exitCode, 0);
    },
  },
  {
    name: 'one edit of several fails',
    task: 'rename in two files',
    files: { 'a.txt': 'old\n', 'b.txt': 'other\n' },
    model: [edit('a.txt', 'old', 'new') + edit('b.txt', 'old', 'new'), done('b has none')],
    must: 'the good one is made, the other one explained',
    holds({ files, results }) {
      assert.deepEqual([files['a.txt'], files['b.txt']], ['new\n', 'other\n']);
      assert.match(results[1]!, /b\.txt was not changed/);
    },
  },
  {
    name: 'edits of one file build on each other',
    task: 'two changes in one file',
    files: { 'a.txt': 'one\ntwo\n' },
    model: [edit('a.txt', 'one', 'ONE') + edit('a.txt', 'ONE\ntwo', 'ONE\nTWO'), done()],
    must: 'the second edit sees the first',
    holds: ({ files }) => assert.equal(files['a.txt'], 'ONE\nTWO\n'),
  },
];
