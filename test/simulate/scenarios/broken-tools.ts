/** The model writes calls that can't be carried out, or tools fail. */
import assert from 'node:assert/strict';
import { chmod, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { call, done } from '../../support/scripted-model.ts';
import type { Scenario } from '../scenario.ts';

const read = (path: string) => call('read_file', { path });
const files = { 'a.txt': 'a\n' };

export const brokenTools: Scenario[] = [
  {
    name: 'a call is cut off in the middle of a file',
    task: 'write a file',
    files: {},
    model: [
      {
        text: call('write_file', { path: 'a.js', content: 'x'.repeat(500) }).slice(0, 300),
        finish: 'length',
      },
      call('write_file', { path: 'a.js', content: 'short' }),
      done(),
    ],
    must: 'half a file is never written',
    holds({ files, results, asked }) {
      assert.match(results[0]!, /cut off/);
      assert.deepEqual([files, asked.length], [{ 'a.js': 'short' }, 1]);
    },
  },
  {
    name: 'an unknown tool is called',
    task: 'fly',
    files,
    model: [call('fly', { to: 'moon' }), done()],
    must: 'the model is told which tools there are',
    holds: ({ results }) => assert.match(results[0]!, /no tool "fly".*run_command/),
  },
  {
    name: 'arguments have nearly the right types',
    task: 'read',
    files: { 'a.txt': '1\n2\n3\n' },
    model: [call('read_file', { path: 'a.txt', offset: '2', limit: '1' }), done()],
    must: 'they are mended',
    holds: ({ results }) => assert.match(results[0]!, /:\n2$/),
  },
  {
    name: 'the call is no JSON',
    task: 'read',
    files,
    model: ['<tool_call>\nread the file please\n</tool_call>', read('a.txt'), done()],
    must: 'the model is shown how a call is written',
    holds: ({ results }) => assert.match(results[0]!, /can't be read|no valid JSON/),
  },
  {
    name: 'another dialect is used',
    task: 'read',
    files,
    model: ['<function=read_file>\n<parameter=path>\na.txt\n</parameter>\n</function>', done()],
    must: 'it is understood',
    holds: ({ results }) => assert.match(results[0]!, /lines 1 to 1/),
  },
  {
    name: 'a file can not be read',
    task: 'read the image',
    files: {},
    prepare: folder =>
      writeFile(join(folder, 'image.png'), Buffer.from([0x89, 0x50, 0, 1, 2, 3, 0xff, 0xfe])),
    model: [read('image.png'), done()],
    must: 'the model is told that it is no text, and no bytes of it reach the prompt',
    holds({ results }) {
      assert.ok(results[0]!.length < 400);
      assert.match(results[0]!, /image\.png/);
    },
  },
  {
    name: 'a file is read-only',
    task: 'change it',
    files,
    prepare: folder => chmod(join(folder, 'a.txt'), 0o444),
    model: [call('edit_file', { path: 'a.txt', old_text: 'a', new_text: 'b' }), done()],
    must: 'the task ends normally and the file is whole',
    holds: ({ files, outcome }) =>
      assert.ok(['a\n', 'b\n'].includes(files['a.txt']!) && outcome.reason === 'done'),
  },
  {
    name: 'a command does not exist',
    task: 'run it',
    files,
    model: [call('run_command', { command: 'no-such-program-anywhere' }), done()],
    must: 'the model reads that, and the exit code',
    holds: ({ results, outcome }) => {
      assert.match(results[0]!, /not found/);
      assert.equal(outcome.commands[0]!.exitCode, 127);
    },
  },
  {
    name: 'the same broken call again and again',
    task: 'read',
    files,
    model: () => read('nowhere.txt'),
    must: 'it ends after three times',
    holds: ({ outcome }) => assert.deepEqual([outcome.reason, outcome.turns], ['repetition', 3]),
  },
  {
    name: 'nothing is answered',
    task: 'hello?',
    files,
    model: ['', ''],
    must: 'one retry, then the end',
    holds: ({ outcome }) => assert.deepEqual([outcome.reason, outcome.turns], ['empty', 2]),
  },
  {
    name: 'a call stands in a thought',
    task: 'think',
    files,
    model: [`<think>${call('run_command', { command: 'touch thought' })}</think>No.`],
    must: 'it is not carried out',
    holds: ({ files, ran }) => assert.deepEqual([ran, Object.keys(files)], [[], ['a.txt']]),
  },
];
