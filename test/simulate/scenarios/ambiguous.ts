/** The task does not say everything. */
import assert from 'node:assert/strict';
import { call, done } from '../../support/scripted-model.ts';
import type { Scenario } from '../scenario.ts';

const ask = call('ask_user', { question: 'Which file?', options: ['a.txt', 'b.txt'] });
const files = { 'a.txt': 'a\n', 'b.txt': 'b\n' };

export const ambiguous: Scenario[] = [
  {
    name: 'the user is asked and answers',
    task: 'empty the file',
    files,
    reply: 'b.txt',
    model: (messages, turn) => {
      if (turn === 0) return ask;
      const path = /answered: (\S+)/.exec(messages.at(-1)!.content)?.[1];
      return turn === 1 ? call('edit_file', { path, old_text: 'b', new_text: 'B' }) : done();
    },
    must: 'the answer is what the model goes by',
    holds: ({ files }) => assert.deepEqual([files['a.txt'], files['b.txt']], ['a\n', 'B\n']),
  },
  {
    name: 'the user does not answer',
    task: 'empty the file',
    files,
    model: [ask, 'I assumed that nothing should be emptied.'],
    must: 'the model is told to decide and the task ends',
    holds({ results, outcome }) {
      assert.match(results[0]!, /did not answer/);
      assert.equal(outcome.reason, 'answered');
    },
  },
  {
    name: 'the file is named wrongly',
    task: 'look at button.tsx',
    files: { 'src/ui/button.tsx': 'export {};\n' },
    model: [
      call('read_file', { path: 'button.tsx' }),
      call('read_file', { path: 'src/ui/button.tsx' }),
      'It is empty.',
    ],
    must: 'the model is told where a file of that name is',
    holds: ({ results }) => assert.match(results[0]!, /Did you mean src\/ui\/button\.tsx/),
  },
  {
    name: 'a question needs no tools',
    task: 'what is a closure?',
    files,
    model: ['A function with its surroundings.'],
    must: 'it is answered in one turn',
    holds: ({ outcome }) => assert.deepEqual([outcome.reason, outcome.turns], ['answered', 1]),
  },
  {
    name: 'the steps are written down',
    task: 'do three things',
    files,
    model: [
      call('todo', { items: ['[>] one', '[ ] two'] }),
      call('todo', { items: ['[x] one', '[x] two'] }),
      done(),
    ],
    must: 'the user sees the list each time',
    holds: ({ events }) => assert.equal(events.filter(event => event.type === 'todo').length, 2),
  },
];
