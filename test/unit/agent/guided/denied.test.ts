/** The user does not want a version, or does not allow it: what they say instead is heeded. */
import assert from 'node:assert/strict';
import type { AgentOptions } from '../../../../src/agent/agent.ts';
import type { ApprovalDecision } from '../../../../src/agent/ports.ts';
import { MoebiusError } from '../../../../src/base/errors.ts';
import { ALLOW_ALL, type Files, memoryPorts } from '../../../support/memory-ports.ts';
import { block, lastOf, play, RIGHT, WRONG } from './play.ts';

describe('guided: an edit that is denied', () => {
  const task = 'Add a function sum to math.js.';
  const sum = (how: string) => `${WRONG}export const sum = (...all) => ${how};\n`;
  const policy: AgentOptions['policy'] = () => ({ ...ALLOW_ALL.policy(), autoApproveEdits: false });
  /** What the user says to one version after the other; they allow the rest. */
  const open = (files: Record<string, string>, decisions: (ApprovalDecision | Error)[]) => {
    const stored: Files = new Map(Object.entries(files));
    const asked: string[] = [];
    const ask = async ({ detail }: { detail: string }): Promise<ApprovalDecision> => {
      asked.push(detail);
      const decision = decisions.shift() ?? { kind: 'once' };
      if (decision instanceof Error) throw decision;
      return decision;
    };
    return { stored, asked, given: { ports: { ...memoryPorts(stored), approval: { ask } }, policy } };
  };
  const deny = (reason: string | null) => ({ kind: 'deny', reason }) as const;

  it('with a word, is written anew with it', async () => {
    const { stored, asked, given } = open({ 'math.js': WRONG }, [deny('That is wrong, use reduce.')]);
    const answers = [block(sum('all[0]')), block(sum('all[0]')), 'Reduce.', block(sum('all.reduce(add)'))];
    const { outcome, prompts } = await play(answers, {}, {}, { ...given, task, checkCommand: null });
    assert.equal(outcome.reason, 'done');
    assert.equal(stored.get('math.js'), sum('all.reduce(add)'));
    assert.equal(asked.length, 2, 'the version that they did not want is not asked for again');
    assert.doesNotMatch(lastOf(prompts[0]), /reduce/);
    assert.match(
      lastOf(prompts[1]),
      /sum to math\.js\.\n\nI did not allow your last version\. That is wrong, use reduce\.\n/,
    );
    assert.match(lastOf(prompts[2]), /use reduce/);
  });

  it('with a word, is not tried again by what can not read it', async () => {
    const line = () => assert.fail('a single line was written');
    const problem = { path: 'math.js', line: 2, column: 1, severity: 'error', message: 'No minus.' } as const;
    const { stored, given } = open({ 'math.js': WRONG }, [deny('Keep the minus in a comment.')]);
    given.ports.diagnostics.read = async () =>
      /return a - b/.test(stored.get('math.js')!) ? [{ ...problem, source: 'lint' }] : [];
    const commented = RIGHT.replace('  return', '  // a - b\n  return');
    const named = { ...given, task: 'Fix this: No minus.', checkCommand: null };
    const answers = [block(RIGHT), block(RIGHT), 'A comment.', block(commented)];
    const { outcome } = await play(answers, {}, {}, named, line);
    assert.deepEqual([outcome.reason, stored.get('math.js')], ['done', commented]);
  });

  it('as a renaming, is left to the model', async () => {
    const { stored, given } = open({ 'math.js': RIGHT }, [deny('Call it total in math.js.')]);
    const total = RIGHT.replace('add', 'total');
    const renaming = { ...given, task: 'Rename `add` to `sum`.', checkCommand: null };
    const { outcome, prompts } = await play([block(total)], {}, {}, renaming);
    assert.deepEqual([outcome.reason, stored.get('math.js')], ['done', total]);
    assert.match(lastOf(prompts[0]), /Call it total in math\.js\./);
  });

  it('without a word, ends the task', async () => {
    const { stored, given } = open({ 'math.js': WRONG }, [deny(null)]);
    const denied = { ...given, task, checkCommand: null };
    const { outcome, prompts } = await play([block(sum('1')), block(sum('2'))], {}, {}, denied);
    assert.deepEqual([outcome.reason, outcome.text, prompts.length], ['stopped', '', 1]);
    assert.equal(stored.get('math.js'), WRONG);
  });

  it('because nobody can be asked, ends it and says so', async () => {
    const nobody = new MoebiusError('refused', 'Nobody is there to ask.');
    const { given } = open({ 'math.js': WRONG }, [nobody]);
    const { outcome } = await play([block(sum('1'))], {}, {}, { ...given, task, checkCommand: null });
    assert.deepEqual([outcome.reason, outcome.text], ['error', 'Nobody is there to ask.']);
  });
});

it('guided: a file that must not be read ends the task with the reason', async () => {
  const ports = memoryPorts(new Map([['big.js', '']]));
  ports.workspace.read = () => Promise.reject(new MoebiusError('refused', 'big.js is too large.'));
  const given = { ports, task: 'Fix the typo in big.js.', checkCommand: null };
  const { outcome, events } = await play([], {}, {}, given);
  assert.deepEqual([outcome.reason, outcome.text], ['error', 'big.js is too large.']);
  assert.deepEqual(events.at(-1), { type: 'end', reason: 'error', text: 'big.js is too large.' });
});

describe('guided: an agent that is read-only', () => {
  const readOnly: AgentOptions['policy'] = () => ({ ...ALLOW_ALL.policy(), readOnly: true });
  const run = () => assert.fail('something ran');

  it('begins no change and no check, and says why', async () => {
    for (const [task, checkCommand] of [
      ['Fix the bug in add in math.js.', 'npm test'],
      ['Make add in math.js right.', null],
      ['run the tests', 'npm test'],
    ] as const) {
      const given = { task, checkCommand, policy: readOnly };
      const { outcome, events, backend } = await play([], { 'math.js': WRONG }, { run }, given);
      assert.deepEqual(
        [outcome.reason, outcome.text],
        ['unfinished', 'The agent is read-only. Nothing was done.'],
      );
      assert.deepEqual([backend.requests.length, events.map(({ type }) => type)], [0, ['history', 'end']]);
    }
  });

  it('since the task began, ends it in words for the user', async () => {
    let isReadOnly = false;
    const policy: AgentOptions['policy'] = () => ({ ...ALLOW_ALL.policy(), readOnly: isReadOnly });
    const written = async () => {
      isReadOnly = true;
      return block(RIGHT);
    };
    const given = { task: 'Make add in math.js right.', checkCommand: null, policy };
    const { outcome } = await play([written], { 'math.js': WRONG }, {}, given);
    assert.deepEqual([outcome.reason, outcome.text], ['error', 'The agent is read-only.']);
  });
});
