/** One file is changed. */
import assert from 'node:assert/strict';
import { call, done } from '../../support/scripted-model.ts';
import type { Scenario } from '../scenario.ts';

const read = (path: string) => call('read_file', { path });
const edit = (path: string, old_text: string, new_text: string, more = {}) =>
  call('edit_file', { path, old_text, new_text, ...more });

export const edits: Scenario[] = [
  {
    name: 'one line is changed',
    task: 'set the limit to 20',
    files: { 'config.js': 'exports.limit = 10;\nexports.name = "x";\n' },
    model: [read('config.js'), edit('config.js', 'limit = 10', 'limit = 20'), done()],
    must: 'only that line is another one',
    holds({ files, outcome }) {
      assert.equal(files['config.js'], 'exports.limit = 20;\nexports.name = "x";\n');
      assert.deepEqual(
        outcome.changed.map(change => change.path),
        ['config.js'],
      );
    },
  },
  {
    name: 'line ends and a missing last one are kept',
    task: 'rename a to b',
    files: { 'a.txt': 'a\r\nkeep\r\nlast' },
    model: [read('a.txt'), edit('a.txt', 'a\nkeep', 'b\nkeep'), done()],
    must: 'the file has its CRLF line ends and no new last one',
    holds: ({ files }) => assert.equal(files['a.txt'], 'b\r\nkeep\r\nlast'),
  },
  {
    name: 'the model gets the indentation wrong',
    task: 'return 2',
    files: { 'a.py': 'def f():\n    if True:\n        return 1\n' },
    model: [read('a.py'), edit('a.py', 'if True:\n    return 1', 'if True:\n    return 2'), done()],
    must: 'the indentation of the file is used',
    holds: ({ files }) => assert.equal(files['a.py'], 'def f():\n    if True:\n        return 2\n'),
  },
  {
    name: 'the text to replace occurs twice',
    task: 'change the second one',
    files: { 'a.txt': 'x\none\nx\ntwo\n' },
    model: [edit('a.txt', 'x', 'y'), edit('a.txt', 'x\ntwo', 'y\ntwo'), done()],
    must: 'the ambiguous edit is refused with the lines, the precise one made',
    holds({ files, results }) {
      assert.match(results[0]!, /occurs 2 times \(lines 1, 3\)/);
      assert.equal(files['a.txt'], 'x\none\ny\ntwo\n');
    },
  },
  {
    name: 'all occurrences are replaced',
    task: 'x becomes y everywhere',
    files: { 'a.txt': 'x x\nx\n' },
    model: [edit('a.txt', 'x', 'y', { replace_all: true }), done()],
    must: 'none is left',
    holds: ({ files }) => assert.equal(files['a.txt'], 'y y\ny\n'),
  },
  {
    name: 'the text to replace is not there',
    task: 'fix the sum',
    files: { 'a.js': 'function sum(a, b) {\n  return a - b;\n}\n' },
    model: [
      edit('a.js', 'function sum(x, y) {\n  return x - y;', 'function sum(x, y) {\n  return x + y;'),
      edit('a.js', 'return a - b', 'return a + b'),
      done(),
    ],
    must: 'the model is shown the nearest lines and succeeds with them',
    holds({ files, results }) {
      assert.match(results[0]!, /nearest lines[\s\S]*return a - b/);
      assert.match(files['a.js']!, /return a \+ b;/);
    },
  },
  {
    name: 'a new file in a new folder',
    task: 'add a module',
    files: {},
    model: [call('write_file', { path: 'src/lib/new.js', content: 'exports.x = 1;\n' }), done()],
    must: 'the folder is made',
    holds: ({ files }) => assert.deepEqual(files, { 'src/lib/new.js': 'exports.x = 1;\n' }),
  },
  {
    name: 'a file is not overwritten unread',
    task: 'write a readme',
    files: { 'README.md': '# Precious\n' },
    model: [call('write_file', { path: 'README.md', content: 'new' }), done('it exists')],
    must: 'the file is as it was and the model is told to read it',
    holds({ files, results }) {
      assert.equal(files['README.md'], '# Precious\n');
      assert.match(results[0]!, /have not read all of it/);
    },
  },
  {
    name: 'replacement patterns are text',
    task: 'insert a dollar',
    files: { 'a.txt': 'price: 5\n' },
    model: [edit('a.txt', '5', "$& $1 $' $$"), done()],
    must: 'they are written as they are',
    holds: ({ files }) => assert.equal(files['a.txt'], "price: $& $1 $' $$\n"),
  },
  {
    name: 'the user denies an edit',
    task: 'change a',
    files: { 'a.txt': 'a\n' },
    model: [edit('a.txt', 'a', 'b'), done('you did not want it')],
    approve: () => ({ kind: 'deny', reason: 'use c instead' }),
    must: 'nothing is changed and the model reads the reason',
    holds({ files, results, asked }) {
      assert.equal(files['a.txt'], 'a\n');
      assert.match(results[0]!, /use c instead/);
      assert.match(asked[0]!.detail, /-a\n\+b/);
    },
  },
  {
    name: 'plan mode changes nothing',
    task: 'plan the change',
    files: { 'a.txt': 'a\n' },
    options: { mode: 'plan' },
    model: [read('a.txt'), edit('a.txt', 'a', 'b'), 'The plan: replace a by b.'],
    must: 'the file is as it was, nobody was asked, and the plan is the answer',
    holds({ files, asked, outcome }) {
      assert.deepEqual([files['a.txt'], asked.length], ['a\n', 0]);
      assert.equal(outcome.text, 'The plan: replace a by b.');
    },
  },
];
