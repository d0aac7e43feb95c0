/** More text than the window holds. */
import assert from 'node:assert/strict';
import { call, done } from '../../support/scripted-model.ts';
import type { Scenario } from '../scenario.ts';

const numbered = (count: number, word: string) =>
  Array.from({ length: count }, (_, i) => `${word} ${i + 1}`).join('\n');
const read = (path: string, more = {}) => call('read_file', { path, ...more });
const run = (command: string, more = {}) => call('run_command', { command, ...more });

export const longOutputs: Scenario[] = [
  {
    name: 'a long file is read a page at a time',
    task: 'read the last line',
    files: { 'long.txt': numbered(20_000, 'line') },
    options: { windowTokens: 4000 },
    model: (messages, turn) => {
      if (turn === 0) return read('long.txt');
      return turn === 1
        ? read('long.txt', { offset: 20_000 })
        : `It is ${messages.at(-1)!.content.split('\n').at(-1)}.`;
    },
    must: 'a page says how to go on, and no page is longer than 15 % of the window',
    holds({ outcome, results }) {
      assert.match(results[0]!, /cut here: lines \d+ to 20000 are not shown; go on with offset \d+/);
      assert.ok(results[0]!.split(/\s+/).length <= 600);
      assert.equal(outcome.text, 'It is line 20000.');
    },
  },
  {
    name: 'a command prints more than anybody reads',
    task: 'run it',
    files: { 'flood.js': 'for (let i = 1; i <= 30000; i++) console.log("row", i);\n' },
    options: { windowTokens: 4000 },
    model: [run('node flood.js'), done()],
    must: 'the model reads a part, is told so, and the user stops nothing',
    holds({ results, outcome }) {
      assert.ok(results[0]!.split(/\s+/).length <= 700);
      assert.match(results[0]!, /left out|not shown|command_output/);
      assert.deepEqual([outcome.reason, outcome.commands[0]!.exitCode], ['done', 0]);
    },
  },
  {
    name: 'a command goes on in the background',
    task: 'start the server',
    files: { 'server.js': 'console.log("listening"); setInterval(() => {}, 1000);\n' },
    model: (messages, turn) => {
      if (turn === 0) return run('node server.js', { timeout_s: 1 });
      const id = /\b(c\d+)\b/.exec(messages.at(-1)!.content)?.[1] ?? 'unknown';
      if (turn === 1) return call('command_output', { id });
      return turn === 2
        ? call('command_output', { id: /Command (c\d+)/.exec(messages.at(-1)!.content)![1], kill: true })
        : done();
    },
    must: 'its output can be read, and it can be ended',
    holds({ results }) {
      assert.match(results[0]!, /background/);
      assert.match(results[1]!, /running[\s\S]*listening/);
      assert.match(results[2]!, /killed/);
    },
  },
  {
    name: 'a command in the background is quiet for a while',
    task: 'build it',
    files: { 'build.js': 'setTimeout(() => console.log("built"), 3000);\n' },
    model: (messages, turn) => {
      if (turn === 0) return run('node build.js', { timeout_s: 1 });
      const last = messages.at(-1)!.content;
      return /exited/.test(last) ? done() : call('command_output', { id: /\b(c\d+)\b/.exec(last)![1] });
    },
    must: 'it is waited for, in a few turns and without an end for repetition',
    holds({ outcome, results }) {
      assert.equal(outcome.reason, 'done');
      assert.ok(outcome.turns <= 6, `${outcome.turns}`);
      assert.match(results.at(-2)!, /exited with code 0[\s\S]*built/);
    },
  },
  {
    name: 'a search has more hits than fit',
    task: 'find x',
    files: Object.fromEntries(Array.from({ length: 40 }, (_, i) => [`f${i}.txt`, numbered(20, 'x')])),
    options: { windowTokens: 3000 },
    model: [call('grep', { pattern: 'x' }), done()],
    must: 'it is cut with a hint to narrow the search',
    holds: ({ results }) => assert.match(results[0]!, /narrow the pattern/),
  },
  {
    name: 'one line is a whole program',
    task: 'read it',
    files: { 'min.js': `var a=1;${'x=x+1;'.repeat(20_000)}` },
    model: [read('min.js'), done()],
    must: 'the line is clipped, and says so',
    holds({ results }) {
      assert.ok(results[0]!.length < 2500);
      assert.match(results[0]!, /more characters in this line/);
    },
  },
  {
    name: 'the conversation outgrows the window',
    task: 'read all',
    files: Object.fromEntries(Array.from({ length: 12 }, (_, i) => [`f${i}.txt`, numbered(150, `f${i}`)])),
    options: { windowTokens: 4000 },
    model: (messages, turn) => {
      if (/Write a summary/.test(messages.at(-1)!.content)) return 'I have read some files.';
      return turn < 12 ? read(`f${turn}.txt`) : done();
    },
    must: 'old results become one line, the user is told, and the task goes on',
    holds({ events, outcome, prompts }) {
      assert.equal(outcome.reason, 'done');
      assert.ok(events.some(event => event.type === 'notice'));
      assert.match(JSON.stringify(prompts.at(-1)), /lines left out to save room|What happened so far/);
    },
  },
];
