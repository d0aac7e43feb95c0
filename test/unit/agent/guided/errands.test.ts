/** Messages that are neither a question nor a change. */
import assert from 'node:assert/strict';
import type { AgentOptions } from '../../../../src/agent/agent.ts';
import { errandOf, goesOn } from '../../../../src/agent/guided/errands.ts';
import { ALLOW_ALL, memoryPorts, type World } from '../../../support/memory-ports.ts';
import { addsUp, block, lastOf, play, RIGHT, TEST, WRONG } from './play.ts';

describe('guided: what a message is', () => {
  const check = (expected: RegExp | 'talk' | 'check' | null, ...tasks: string[]) => {
    for (const task of tasks)
      it(`${JSON.stringify(task)} -> ${expected}`, () => {
        const errand = errandOf({ task, checkCommand: 'npm run test:unit', context: { attachments: [] } });
        const told = errand?.kind === 'told' ? errand.text : (errand?.kind ?? null);
        if (expected instanceof RegExp) assert.match(told ?? '', expected);
        else assert.equal(told, expected);
      });
  };
  check(
    'talk',
    'hi',
    'Hello!',
    'thanks!',
    'Thank you, that works.',
    'Great work 👍',
    'ok',
    'Ok, thanks a lot',
    ...['No.', 'nope', 'stop', 'Stop it!', 'wait', 'never mind', 'No, thanks'],
  );
  check(/no task to go on/, 'Do it.', 'sure, do it', 'yep', 'Yeah, go ahead', 'yes, do that');
  check(/no task to go on/, 'continue', 'Go on.', 'yes', 'yes, please', 'ok, try again', 'please continue');
  check(
    'check',
    'run the tests',
    'Run `npm run test:unit`.',
    'test',
    'npm run test:unit',
    'Can you run all tests again, please?',
  );
  check('check', 'Run the tests and tell me what fails', 'Do the tests pass?');
  check(/nothing for it but the check/, 'commit this', 'git push', 'Commit and push the changes', 'push');
  check(/nothing for it but the check/, 'install lodash', 'npm install', 'Install the dependencies.');
  check(/nothing for it but the check/, 'start the server', 'Run npm test', 'git checkout main');
  check(/nothing for it but the check/, 'npm test', 'npm run build', 'cargo build', 'npx jest', 'pytest');
  check(/Undo All/, 'undo your last change', 'Revert that', 'No, undo that');
  check(
    null,
    ...[
      'Thanks, now fix b.js',
      'Great! Add a test.',
      'Do it in b.js',
      'No, use a map',
      'Stop the timer',
      'continue with the second function',
    ],
    ...['yes, rename it', 'Run the tests and fix what fails', 'The tests fail.', 'Make the tests pass'],
    ...['Commit the transaction in save()', 'Install a signal handler in main.js', 'Undo the rename of add'],
    ...['Start the timer when the server is up', 'Test that add() adds', 'check my code', '你好', ''],
  );

  it('a word to go on means what is attached, and "do it" what was said since the last task', () => {
    const about = (task: string, labels: string[], news = '') => {
      const attachments = labels.map(label => ({ label, language: '', text: 'Add sum.' }));
      return errandOf({ task, news, checkCommand: null, context: { attachments } })?.kind ?? null;
    };
    const news = 'I asked: What is missing?';
    assert.deepEqual([about('Do it.', ['todo.txt']), about('continue', ['todo.txt'])], [null, null]);
    assert.deepEqual([about('Sure, do it.', [], news), about('yes', [], news)], [null, 'told']);
  });

  it('a task that is done is gone on with only if it is to be done again', () => {
    assert.deepEqual(['Yes.', 'Try again', 'Do it again, please', 'Retry!', 'fix it'].map(goesOn), [
      'on',
      'again',
      'again',
      'again',
      null,
    ]);
  });
});

describe('guided: a message that is no task', () => {
  const project = { 'math.js': WRONG, 'math.test.js': TEST };
  const context = { openFile: { path: 'math.js', selection: null }, attachments: [] };
  const run: World['run'] = () => assert.fail('something ran');

  it('is answered, and nothing is read or run for it', async () => {
    const { outcome, files, prompts } = await play(['Hello.'], project, { run }, { task: 'hi', context });
    assert.deepEqual([outcome.reason, outcome.text], ['answered', 'Hello.']);
    assert.equal(lastOf(prompts[0]), 'hi');
    assert.equal(files.get('math.js'), WRONG);
  });

  it('that asks for what can not be done is told so', async () => {
    const task = 'commit this';
    const { outcome, events, backend } = await play([], project, { run }, { task, context });
    assert.equal(outcome.reason, 'unfinished');
    assert.match(outcome.text, /do that in a terminal/);
    assert.deepEqual(
      outcome.history.map(({ content }) => content).slice(1),
      [task, outcome.text],
      'what was said is part of the conversation',
    );
    assert.equal(events.filter(({ type }) => type === 'history').length, 1);
    assert.equal(backend.requests.length, 0);
  });

  it('that asks for the tests runs them and says how they went', async () => {
    const task = 'Run the tests.';
    const wrong = await play([], project, { run: addsUp }, { task });
    assert.equal(wrong.outcome.reason, 'done');
    assert.match(
      wrong.outcome.text,
      /^`npm test` fails \(1 passed, 1 failed\):\n\n```\n[\s\S]*-1 !== 3[\s\S]*```$/,
    );
    assert.deepEqual(wrong.outcome.commands, [{ command: 'npm test', exitCode: 1 }]);
    assert.equal(wrong.files.get('math.js'), WRONG);
    const right = await play([], { ...project, 'math.js': RIGHT }, { run: addsUp }, { task });
    assert.equal(right.outcome.text, '`npm test` passes (2 passed).');
    const none = await play([], project, { run }, { task, checkCommand: null });
    assert.match(none.outcome.text, /moebius\.agent\.checkCommand/);
    // The model can go on from what failed.
    const { history } = wrong.outcome;
    const fixed = await play([block(RIGHT)], project, { run: addsUp }, { history });
    assert.deepEqual(fixed.prompts[0]!.slice(0, 3), history);
  });

  it('that asks for the tests is told once why they give no result', async () => {
    const task = 'Run the tests.';
    const told = async (run: NonNullable<World['run']>, given: Partial<AgentOptions> = {}) => {
      const { outcome, events } = await play([], project, { run }, { task, checkFolder: 'api', ...given });
      assert.equal(outcome.reason, 'unfinished');
      assert.ok(!events.some(({ type }) => type === 'notice'));
      return outcome.text;
    };
    const missing = async () => ({ output: 'sh: npm: not found', exitCode: 127 });
    assert.match(
      await told(missing, { isCheckGuessed: true }),
      /^`npm test` in api can not run here\. It was/,
    );
    const endless = async () => ({ output: '', exitCode: null });
    assert.equal(await told(endless), '`npm test` in api did not come to its end, for which it has 180 s.');
    const ports = memoryPorts(new Map(Object.entries(project)));
    ports.approval.ask = async () => ({ kind: 'deny', reason: null });
    const policy = () => ({ ...ALLOW_ALL.policy(), askEverything: true });
    assert.equal(await told(run, { ports, policy }), '`npm test` in api did not run.');
  });
});
